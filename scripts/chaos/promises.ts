/** What the ledger promises, each under a stable name; the rules behind them are [C1] to [C61]. */

export const PROMISES = {
  "one-frame": "a command is handed over once at most",
  "one-download": "no agent is told to fetch a file while it fetches one",
  deadline: "nothing is handed to a socket after its deadline",
  "current-print": "nothing is handed over while its print, as last reported, is not current",
  "meant-print": "nothing is handed over for another print than the one that the caller meant",
  "heard-lately": "nothing that starts motion is handed to an agent that was not heard for 5 s",
  reconnect: "a reconnect releases nothing",
  order: "commands are handed over in the order in which they were taken",
  "read-by-agent":
    "on a socket that brought a receipt, neither `succeeded` nor `delivered` is true for an unread frame",
  outcome: "no success is claimed that the machine did not reach",
  obeyed: "nothing that the machine did is called failed",
  refusal: "nothing is refused for a reason that the facts do not bear",
  superseded: "nothing is called superseded without the command or the print that displaced it",
  receipt: "a receipt that arrives makes its command delivered at once",
  "send-failed": "a frame that the socket did not take makes its command rejected at once",
  settles: "without faults, what the machine did is called succeeded a minute later, unless it is superseded",
  refused: "without faults, what the machine refuses aloud to a command that is alone is called failed",
  floor: "without faults, most commands of each kind that were sent succeed",
  "as-it-was":
    "no print goes on with its heater off, or lower than it was, because of a pause frame that was out of place",
  "leaves-checking": "a command leaves `checking` within 3 s, and 5 s more",
  "leaves-sent": "a command leaves `sent` by `expires_at`, and 5 s more",
  "leaves-delivered":
    "a command leaves `delivered` 6 min after its receipt, or after the last report of its transient phase within an hour; a download that is shown, 30 min after its receipt",
  "same-key": "the same key is one command",
  answered: "every call is answered: 5 s after it arrived, or when its `Prefer: wait` is over",
} as const;
export type PromiseName = keyof typeof PROMISES;

export class BrokenPromise extends Error {
  readonly promise: PromiseName;

  constructor(promise: PromiseName, sentence: string) {
    super(sentence);
    this.promise = promise;
  }
}

export function hold(isKept: boolean, promise: PromiseName, sentence: string): asserts isKept {
  if (!isKept) throw new BrokenPromise(promise, sentence);
}

/** Milliseconds, stated once more instead of imported: the code's own limits are among what is judged. */
export const LIMITS = {
  expires: 30_000,
  settle: 360_000,
  /** The agents give a download up. */
  download: 1_800_000,
  /** For so long a transient phase that is still shown puts it off. */
  transient: 3_600_000,
  probe: 3_000,
  grace: 5_000,
  heard: 5_000,
  /** An agent that gives no receipts is not probed. */
  heardUnprobed: 75_000,
  live: 10_000,
  /** Within it three sockets that replace open ones are two agents. */
  contested: 120_000,
  answer: 5_000,
  /** What was seen longer ago refuses nothing. */
  fresh: 75_000,
  /** From what the machine does to the report of it, without faults. */
  report: 6_000,
  /** The same with stalls and backlogs. */
  lateReport: 150_000,
  /** From what the machine does to its command's outcome, without faults. */
  settled: 60_000,
  /** A command without another for so long is alone: every earlier one has come to its end. */
  alone: 120_000,
  /** What a machine or an agent did longer ago masks nothing any more. */
  masked: 31 * 60_000,
  /** Without faults an end that is inferred is seen with the next regular report. */
  regular: 60_000,
  /** To the object and back, with the retry of a call that broke. */
  travel: 4_000,
} as const;

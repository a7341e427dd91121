/** What the benchmark measures, against what, and which ratio is not to be exceeded. */

export interface Row {
  readonly name: string;
  /** One operation. */
  readonly operation: string;
  readonly baseline: string;
  /** Null: a number that explains others. */
  readonly goal: number | null;
}

const COUNTS = "an object that counts frames";
const READS_D1 = "look-up of the token, then one D1 query";
const WRITES = "look-up, a call of the object, one row written by it and one in D1";

export const ROWS = [
  { name: "idle-frame", operation: "a regular status of an idle printer", baseline: COUNTS, goal: 5 },
  { name: "printing-frame", operation: "a regular status of a printer that prints", baseline: COUNTS, goal: 5 },
  {
    name: "text-change",
    operation: "a status with another text: Pausing and, 100 ms later, Paused; in the next turn Resuming and Printing",
    baseline: COUNTS,
    goal: 12,
  },
  {
    name: "event",
    operation: "an event with another text: PrintPaused, in the next turn PrintResumed",
    baseline: COUNTS,
    goal: 15,
  },
  {
    name: "row-a-frame",
    operation: "no Platen: a bare object that writes the status of each frame into one row of D1",
    baseline: COUNTS,
    goal: null,
  },
  {
    name: "get-one",
    operation: "GET of one printer",
    baseline: "look-up, a call of the object, one row read by it",
    goal: 1.25,
  },
  { name: "list-20", operation: "GET of a list of 20 printers that print", baseline: READS_D1, goal: 1.6 },
  { name: "list-1000", operation: "GET of a list of 1,000 printers that print", baseline: READS_D1, goal: 2.5 },
  {
    name: "thin-list-20",
    operation: "the same of 20 with `fields=id,name,presence,current_print`",
    baseline: `${READS_D1} of the columns that are shown`,
    goal: 1.3,
  },
  { name: "patch", operation: "PATCH of a printer's name", baseline: WRITES, goal: 1.7 },
  { name: "rejected-pause", operation: "a pause that is refused, because nothing prints", baseline: WRITES, goal: 1.7 },
  {
    name: "pause",
    operation: "a pause, its receipt, and the texts and the event that the agent reports of it",
    baseline: "look-up, a call of the object, one frame sent and the answer awaited by it; the reports are counted",
    goal: 3.5,
  },
  { name: "memory", operation: "an idle agent that is connected", baseline: COUNTS, goal: 1.4 },
] as const satisfies readonly Row[];

export type Name = (typeof ROWS)[number]["name"];

/** How much must succeed where nothing goes wrong: a ledger that keeps every promise and does nothing is below it. */
import type { CommandKind } from "../../src/domain/command-kind.ts";
import type { Tally } from "./tally.ts";

/** Shares of the commands that were sent, 0 to 1: half of what is usual. */
const FLOORS = { pause: 0.3, resume: 0.3, cancel: 0.45, print_file: 0.1 } as const satisfies Record<
  CommandKind,
  number
>;
/** Fewer than that many commands of a kind tell nothing. */
const ENOUGH = 150;
/** Of everything that was asked for without faults, so much is sent. */
const SENT = 0.2;

/** What is below; null: nothing, or too little was tried to tell. */
export function belowFloor(tally: Tally): string | null {
  const kinds = Object.keys(FLOORS) as CommandKind[]; // safe: an object literal's own keys
  return kinds.map((kind) => belowFloorOf(tally, kind)).find((low) => low !== null) ?? null;
}

function belowFloorOf(tally: Tally, kind: CommandKind): string | null {
  const own = tally.list("quiet").filter(([name]) => name.startsWith(`${kind} `));
  const asked = own.reduce((sum, [, count]) => sum + count, 0);
  const sent = asked - tally.of("quiet", `${kind} not sent`);
  const succeeded = tally.of("quiet", `${kind} succeeded`);
  if (asked >= ENOUGH && sent < SENT * asked) return `${sent} of ${asked} commands of the kind ${kind} were sent`;
  if (sent < ENOUGH || succeeded >= FLOORS[kind] * sent) return null;
  return `${succeeded} of ${sent} commands of the kind ${kind} that were sent succeeded`;
}

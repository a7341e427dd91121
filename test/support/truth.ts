/**
 * What Klipper itself did during a recording, in its own `print_stats` states, and what must not be said against it. Its states
 * were looked at four times a second, on the recording's clock: one that held for less may be missing.
 */
import klipper from "../agent-traffic/klipper-moonraker-obico-2.1.4.truth.jsonl?raw";
import type { RecordedCommand } from "./recordings.ts";

export interface KlipperState {
  readonly t: number;
  readonly state: string;
}

export const KLIPPER_TRUTH: readonly KlipperState[] = klipper
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line))
  .flatMap((line) => (line.klipper === undefined ? [] : [{ t: line.t, state: stateIn(line) }]));

/** What it says while it is shut down or starts is about nothing any more. */
function stateIn({ klipper: state, webhooks }: { klipper: string; webhooks: string | null }): string {
  return webhooks === "ready" ? state : "GONE";
}

const ASKED = { pause: "paused", resume: "printing", cancel: "cancelled" } as const satisfies Record<
  RecordedCommand["cmd"],
  string
>;

/** States that a print is in; Klipper has forgotten it in every other one. */
const WITHIN_PRINT: ReadonlySet<string> = new Set(["printing", "paused"]);

function stateAt(truth: readonly KlipperState[], t: number): string {
  return truth.findLast((seen) => seen.t <= t)?.state ?? "standby";
}

/** When the state became `asked` after `t`; infinity if it never did. */
function turnsTo(truth: readonly KlipperState[], asked: string, t: number): number {
  return truth.find((seen) => seen.t > t && seen.state === asked)?.t ?? Number.POSITIVE_INFINITY;
}

/**
 * Whether Klipper was in the state that the command asked for at some moment from its sending on, before the next command took
 * effect (the first turn to *its* state after its sending) and not after the print's end; a cancel's own turn is that end.
 */
function isReached(truth: readonly KlipperState[], command: RecordedCommand, next: RecordedCommand | undefined) {
  const asked = ASKED[command.cmd];
  const printEnd = truth.find((seen) => seen.t > command.t && !WITHIN_PRINT.has(seen.state))?.t;
  const overridden = next === undefined ? Number.POSITIVE_INFINITY : turnsTo(truth, ASKED[next.cmd], next.t);
  const until = Math.min(printEnd ?? Number.POSITIVE_INFINITY, overridden);
  return stateAt(truth, command.t) === asked || turnsTo(truth, asked, command.t) <= until;
}

/** A command and what is said of it in the end. */
export interface Claim {
  readonly command: RecordedCommand;
  readonly state: string;
  readonly reason: string | null;
}

/** Claims that Klipper's states contradict, in words; in the order of the recording. */
export function contradictions(truth: readonly KlipperState[], claims: readonly Claim[]): string[] {
  return claims.flatMap((claim, index) => {
    const { command, state, reason } = claim;
    const reached = isReached(truth, command, claims[index + 1]?.command);
    if (isBorneOut(claim, stateAt(truth, command.t), reached)) return [];
    return [`${command.t} ${command.cmd}: ${state} ${reason}, though Klipper ${reached ? "obeyed" : "did not obey"}`];
  });
}

/** What is given up, superseded or unknown claims nothing of what the printer did. */
function isBorneOut({ state, reason }: Claim, before: string, reached: boolean): boolean {
  if (state === "succeeded") return reached;
  if (state === "failed") return !reached;
  if (state !== "rejected") return true;
  if (reason === "already_paused") return before === "paused";
  if (reason === "not_paused") return before === "printing";
  return reason === "not_printing" ? !WITHIN_PRINT.has(before) : true;
}

/**
 * Commands that Klipper refused: it did not obey, though nothing else was asked of it before the print's end. (One that a later
 * command overtook may have been obeyed between two looks.)
 */
export function refusalsOf(truth: readonly KlipperState[], claims: readonly Claim[]): Claim[] {
  return claims.filter(({ command }, index) => {
    const next = claims[index + 1]?.command;
    const printEnd = truth.find((seen) => seen.t > command.t && !WITHIN_PRINT.has(seen.state))?.t ?? 0;
    return (next === undefined || next.t > printEnd) && !isReached(truth, command, next);
  });
}

/** Commands that Klipper obeyed and whose end nothing shows: neither as a success nor because a later command opposed it. */
export function unsettled(truth: readonly KlipperState[], claims: readonly Claim[]): Claim[] {
  return claims.filter(
    ({ command, state }, index) =>
      state !== "succeeded" && state !== "superseded" && isReached(truth, command, claims[index + 1]?.command),
  );
}

/** A print as Klipper knew it: it ends cancelled, complete, in error, or with Klipper itself (`GONE`). */
export interface KlipperPrint {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly end: string;
}

export function printsOf(truth: readonly KlipperState[]): KlipperPrint[] {
  return truth.flatMap(({ t, state }, index) => {
    const before = truth[index - 1]?.state ?? "standby";
    if (state !== "printing" || WITHIN_PRINT.has(before)) return [];
    const end = truth.slice(index).find((seen) => !WITHIN_PRINT.has(seen.state));
    return [{ startedAt: t, endedAt: end?.t ?? Number.POSITIVE_INFINITY, end: end?.state ?? "none" }];
  });
}

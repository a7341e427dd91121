/** Reads a stored state, whichever version of this program wrote it: migrated by number, then completed. */
import type { PrinterState } from "../domain/change.ts";
import { dialectOf, eventTypeOf } from "../protocol/words.ts";
import { complete, completeCommand, completePrint, INITIAL_STATE } from "./stored-json.ts";

interface Versioned {
  readonly version: number;
}

/** Rises whenever a key of the state comes, goes, or changes its name or type: an older program must not read what it cannot keep. */
export const STATE_VERSION = 4 satisfies PrinterState["version"];

/** Each makes a state of its version one of the next. A version that only added keys with an initial value needs none. */
type Migrations = Readonly<Record<number, (state: Versioned) => object>>;

export const STATE_MIGRATIONS: Migrations = {
  1: nameDialectAndTrail,
};

/** Throws for a state that this program cannot read: one of a newer program stays as it is until that one is back. */
export function readState(text: string): PrinterState {
  const stored = JSON.parse(text) as Versioned; // safe: every program's state has its version
  const state = complete(INITIAL_STATE, migrate(stored, STATE_VERSION, STATE_MIGRATIONS));
  return { ...state, current: completePrint(state.current), ledger: state.ledger.map(completeCommand) };
}

/** Carries `stored` to `version`, one number after the other; throws unless it is of one of those before. */
export function migrate(stored: Versioned, version: number, migrations: Migrations): Versioned {
  if (stored.version === version) return stored;
  if (!(stored.version >= 1 && stored.version < version)) {
    throw new Error(`a state of version ${stored.version} cannot be read as version ${version}`);
  }
  const next = migrations[stored.version]?.(stored) ?? stored;
  return migrate({ ...next, version: stored.version + 1 }, version, migrations);
}

/** 1 to 2: adds `dialect`; renames `marks` to `trail`, with events in our vocabulary. */
function nameDialectAndTrail(state: Versioned): object {
  const { marks, ...kept } = state as Version1; // safe: its version says so
  const events = marks.taken.map((mark) => mark.replace(/^\w+/, eventTypeOf));
  return { ...kept, dialect: dialectOf(kept.agentName), trail: { latest: marks.latest, events } };
}

interface Version1 extends Versioned {
  readonly agentName: string | null;
  readonly marks: { readonly latest: number; readonly taken: readonly string[] };
}

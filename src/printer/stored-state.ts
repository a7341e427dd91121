/** Reads a stored state, whichever version of this program wrote it (design 8). */
import type { PrinterState } from "../domain/change.ts";

interface Versioned {
  readonly version: number;
}

const VERSION = 1 satisfies PrinterState["version"];

/** Each makes a state of its version one of the next. */
type Migrations = Readonly<Record<number, (state: Versioned) => Versioned>>;

const MIGRATIONS: Migrations = {};

export function readState(text: string): PrinterState {
  return migrate(JSON.parse(text), VERSION, MIGRATIONS) as PrinterState; // safe: only `saveState` writes it
}

/** Throws for a state that this program cannot read: one of a newer program stays as it is until that one is back. */
export function migrate(stored: Versioned, version: number, migrations: Migrations): Versioned {
  if (stored.version === version) return stored;
  const next = migrations[stored.version]?.(stored);
  if (next === undefined || stored.version > version) {
    throw new Error(`a state of version ${stored.version} cannot be read as version ${version}`);
  }
  return migrate(next, version, migrations);
}

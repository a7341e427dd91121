/** History by the thousand: prints as rows, many with one statement, for tests that count, page and add up. */
import { env } from "cloudflare:workers";
import { type Meter, meter, planOf } from "./metered.ts";

export interface HistoryPrint {
  readonly id: number;
  readonly printerId: number;
  readonly userId: number;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly cancelledAt: number | null;
  readonly filamentUsed: number | null;
  readonly printTime: number | null;
  readonly alertOverwrite: "FAILED" | "NOT_FAILED" | null;
  readonly deletedAt: number | null;
}

const COLUMNS = [
  ...["id", "printer_id", "user_id", "started_at", "finished_at", "cancelled_at", "filament_used", "print_time"],
  ...["alert_overwrite", "deleted_at"],
];
/** A parameter may have 2 MB. */
const CHUNK = 5_000;

/** Prints of existing printers; those with neither end are current in D1. */
export async function insertPrints(prints: readonly HistoryPrint[]): Promise<void> {
  const read = COLUMNS.map((_, place) => `value ->> ${place}`).join(", ");
  const insert = env.DB.prepare(
    `insert into prints (${COLUMNS.join(", ")}, revision, ext_id, filename, ended_at, outcome)
     select ${read}, 1, value ->> 0, 'print ' || (value ->> 0), coalesce(value ->> 5, value ->> 4),
       case when value ->> 5 is not null then 'cancelled' when value ->> 4 is not null then 'finished' end
     from json_each(?)`,
  );
  for (let at = 0; at < prints.length; at += CHUNK) {
    const rows = prints.slice(at, at + CHUNK).map((print) => {
      const { id, printerId, userId, startedAt, finishedAt, cancelledAt, filamentUsed, printTime } = print;
      const { alertOverwrite, deletedAt } = print;
      const times = [startedAt, finishedAt, cancelledAt];
      return [id, printerId, userId, ...times, filamentUsed, printTime, alertOverwrite, deletedAt];
    });
    await insert.bind(JSON.stringify(rows)).run();
  }
}

/** One finished print; `patch` says what is special about it. */
export function printOf(
  printer: { readonly id: number; readonly userId: number },
  patch: Partial<HistoryPrint> = {},
): HistoryPrint {
  counted += 1;
  const startedAt = patch.startedAt ?? Date.UTC(2026, 0, 1) + counted * 1000;
  return {
    id: printer.id * 100_000 + counted,
    printerId: printer.id,
    userId: printer.userId,
    startedAt,
    finishedAt: startedAt + 500,
    cancelledAt: null,
    filamentUsed: 100,
    printTime: 60,
    alertOverwrite: null,
    deletedAt: null,
    ...patch,
  };
}

/** Far from the ids that objects make, which count from 1. */
let counted = 50_000;

/** What `act` asks of D1: its answer, its round trips, and how SQLite carries its statements out. */
export async function observed<T>(act: (database: D1Database) => Promise<T>) {
  const metered: Meter = meter(env.DB);
  const value = await act(metered.database);
  const { roundTrips, rowsWritten } = metered.take();
  return {
    value,
    roundTrips,
    rowsWritten,
    statements: metered.statements,
    plan: await planOf(env.DB, metered.statements),
  };
}

/** Steps that read a table or an index from end to end; the values of a parameter are no table. */
export function scansOf(plan: readonly string[]): string[] {
  return plan.filter((step) => step.startsWith("SCAN") && !/VIRTUAL TABLE|^SCAN \(subquery|CONSTANT ROW/.test(step));
}

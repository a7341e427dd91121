/**
 * Lists of an account's printers: one statement, which reads the parts that are asked for, and tells by a version whether any
 * of them changed.
 */
import { and, asc, eq, getTableColumns, isNull, or, type Placeholder, type SQL, sql } from "drizzle-orm";
import type { PrinterView } from "../domain/view.ts";
import type { Db } from "./client.ts";
import { named, PackedColumns, type PackedRow, PreparedQuery, queries } from "./prepared.ts";
import { type ShownPrinter, viewOfRow } from "./printers.ts";
import { printerColumns } from "./prints.ts";
import { gCodeFiles } from "./schema/g-code.ts";
import { prints } from "./schema/history.ts";
import { printerLive, printers } from "./schema/printers.ts";

/** What a list reads beside the printers' own short columns. */
export const PRINTER_PARTS = ["live", "status", "settings", "print", "file"] as const;
export type PrinterPart = (typeof PRINTER_PARTS)[number];

export interface PrinterSelection {
  readonly withArchived: boolean;
  readonly start: number;
  /** Null: all. */
  readonly limit: number | null;
  readonly parts: ReadonlySet<PrinterPart>;
}

/** Parts that were not asked for are null in it, as if there were none. */
export interface ListedPrinter extends ShownPrinter {
  /** Another one whenever anything that is shown of these parts is another one, but for what changes by the clock alone. */
  readonly version: string;
}

const {
  printerId: _owner,
  userId: _user,
  revision: _revision,
  filamentUsed: filamentUsedMm,
  printTime: printTimeSeconds,
  ...ownColumns
} = getTableColumns(prints);
/** A Print's keys. */
const printColumns = { ...ownColumns, filamentUsedMm, printTimeSeconds };
const { printerId: _printer, status: _status, ...liveColumns } = getTableColumns(printerLive);

const PRINTER = new PackedColumns("printer", printerColumns, printers.id);
const LIVE = new PackedColumns("live", liveColumns, printerLive.printerId);
const PRINT = new PackedColumns("print", printColumns, prints.id);
const FILE = new PackedColumns("file", getTableColumns(gCodeFiles), gCodeFiles.id);

const TOLD =
  "data_channel_id,printer_metadata,platform_uname,installed_plugins,tsd_plugin_version,octoprint_version".split(",");
const settingOf = (path: string) => sql`${printers.settings} -> ${sql.raw(`'$.${path}'`)}`;

/** Of the agent's settings what anybody is shown ([A22]), each value as the agent wrote it. */
const SHOWN_SETTINGS = sql`iif(json_valid(${printers.settings}), json_object(
  iif(json_type(${printers.settings}, '$.webcams') is null, 'none', 'webcams'), ${settingOf("webcams")},
  'temperature', json_object('profiles', ${settingOf("temperature.profiles")}),
  ${sql.join(
    TOLD.map((key) => sql`${sql.raw(`'${key}'`)}, ${settingOf(key)}`),
    sql`, `,
  )}), null)`;

const ARCHIVED_TOO = sql`${sql.placeholder("withArchived")} = 1`;

/** Lists of one account's printers, a statement for each choice of parts. */
export class PrinterLists {
  readonly #userId: Placeholder | SQL;
  readonly #made = new Map<string, PreparedQuery<PackedRow>>();

  /** `userId`: whose printers they are. */
  constructor(userId: Placeholder | SQL) {
    this.#userId = userId;
  }

  /** The statement of that selection; `values` are those of the placeholders in the user's id. */
  bind(db: Db, { parts, withArchived, start, limit }: PrinterSelection, values: Readonly<Record<string, unknown>>) {
    const page = { withArchived: withArchived ? 1 : 0, start, limit: limit ?? ALL };
    return this.#query(parts).bind(db, { ...values, ...page });
  }

  #query(parts: ReadonlySet<PrinterPart>): PreparedQuery<PackedRow> {
    const name = [...parts].sort().join();
    const query = this.#made.get(name) ?? new PreparedQuery<PackedRow>(listQuery(this.#userId, parts));
    this.#made.set(name, query);
    return query;
  }
}

/** SQLite's word for no limit. */
const ALL = -1;

function listQuery(userId: Placeholder | SQL, parts: ReadonlySet<PrinterPart>) {
  const hasLive = parts.has("live") || parts.has("status");
  const query = queries
    .select({
      ...PRINTER.selection(),
      ...(hasLive ? LIVE.selection() : {}),
      ...(parts.has("print") ? PRINT.selection() : {}),
      ...(parts.has("file") ? FILE.selection() : {}),
      ...(parts.has("status") ? named({ status: printerLive.status }) : {}),
      ...(parts.has("settings") ? named({ settings: SHOWN_SETTINGS }) : {}),
    })
    .from(printers)
    .$dynamic();
  if (hasLive) query.leftJoin(printerLive, eq(printerLive.printerId, printers.id));
  if (parts.has("print") || parts.has("file")) query.leftJoin(prints, eq(prints.id, printers.currentPrintId));
  if (parts.has("file")) query.leftJoin(gCodeFiles, eq(gCodeFiles.id, prints.gCodeFileId));
  return query
    .where(
      and(
        sql`${printers.userId} = ${userId}`,
        isNull(printers.deletedAt),
        or(ARCHIVED_TOO, isNull(printers.archivedAt)),
      ),
    )
    .orderBy(asc(printers.id))
    .limit(sql.placeholder("limit"))
    .offset(sql.placeholder("start"));
}

/** The printers of a list's rows, as fresh as their objects' projections. */
export function printersOfRows(rows: readonly PackedRow[], now: number): ListedPrinter[] {
  return rows.map((row) => {
    const printer = { ...(PRINTER.read(row) as ReadPrinter), settings: textOf(row, "settings") };
    const live = LIVE.read(row);
    const shown = live && { ...live, status: textOf(row, "status") };
    const view = viewOfRow({ printer, live: shown, print: PRINT.read(row) }, now);
    return { printer: view, file: FILE.read(row), version: versionOf(row, view) };
  });
}

/** A row has its printer: the join begins there. */
type ReadPrinter = NonNullable<ReturnType<typeof PRINTER.read>>;

function textOf(row: PackedRow, name: "settings" | "status"): string | null {
  return (row[name] ?? null) as string | null; // safe: a column of texts
}

const OF_USER = new PrinterLists(sql.placeholder("userId"));

/** The account's printers by id, in one query. */
export async function listPrinters(
  db: Db,
  userId: number,
  selection: PrinterSelection,
  now: number,
): Promise<ListedPrinter[]> {
  const { results } = await OF_USER.bind(db, selection, { userId }).all<PackedRow>();
  return printersOfRows(results, now);
}

/** A status is told by its copy's number, settings by the printer's revision; all else of a row stands for itself. */
function versionOf({ status: _status, settings: _settings, ...short }: PackedRow, view: PrinterView): string {
  return [view.presence.state, ...Object.values(short)].join("\n");
}

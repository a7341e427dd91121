/**
 * Lists of an account's printers: one statement, which reads the parts that are asked for, and tells by a version whether any
 * of them changed.
 */
import { and, asc, eq, getTableColumns, isNull, or, type Placeholder, type SQL, sql } from "drizzle-orm";
import type { PrinterView } from "../domain/view.ts";
import type { Db } from "./client.ts";
import { fileColumns } from "./g-code-files.ts";
import { boundedJson, type Kept, WITHHELD } from "./list-bytes.ts";
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
const FILE = new PackedColumns("file", fileColumns, gCodeFiles.id);

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

const FLAGS = "operational,printing,cancelling,pausing,resuming,finishing,closedOrError,error,paused,ready,sdReady";

/** A short value. */
const SHORT = 256;

const each = (words: string) => Object.fromEntries(words.split(",").map((word) => [word, SHORT]));

/** What clients read of a status. */
export const KEPT_STATUS = {
  ...each("_ts,user_interaction_required,currentZ,currentLayerHeight,currentFeedRate,currentFlowRate,currentFanSpeed"),
  state: { ...each("text,error"), flags: each(FLAGS) },
  job: { file: each("name,display,path"), ...each("estimatedPrintTime") },
  progress: each("completion,filepos,printTime,printTimeLeft,filamentUsed"),
  temperatures: 1024,
  display_status: each("message"),
  file_metadata: { obico: each("totalLayerCount"), analysis: { printingArea: each("maxZ") } },
} as const satisfies Kept;

/** Of settings what has no upper end by itself is kept shorter, or left out. */
const KEPT_SETTINGS = {
  webcams: 2048,
  temperature: { profiles: 1024 },
  ...each("data_channel_id,tsd_plugin_version,octoprint_version"),
} as const satisfies Kept;

const ARCHIVED_TOO = sql`${sql.placeholder("withArchived")} = 1`;

/** Lists of one account's printers: a statement for each choice of parts, and another that cuts long texts. */
export class PrinterLists {
  readonly #userId: Placeholder | SQL;
  readonly #made = new Map<string, PreparedQuery<PackedRow>>();

  /** `userId`: whose printers they are. */
  constructor(userId: Placeholder | SQL) {
    this.#userId = userId;
  }

  /** The statement of that selection; `values` are those of the placeholders in the user's id. */
  bind(db: Db, selection: PrinterSelection, values: Values): D1PreparedStatement {
    return this.#bind(db, selection, values, false);
  }

  /** The printers of the rows that `bind` gave; with one round trip more where texts were withheld ([O71]). */
  async read(db: Db, selection: PrinterSelection, values: Values, rows: readonly PackedRow[], now: number) {
    const isCut = rows.some(({ status, settings }) => status === WITHHELD || settings === WITHHELD);
    if (!isCut) return printersOfRows(rows, now);
    return printersOfRows((await this.#bind(db, selection, values, true).all<PackedRow>()).results, now);
  }

  #bind(db: Db, { parts, withArchived, start, limit }: PrinterSelection, values: Values, isCut: boolean) {
    const page = { withArchived: withArchived ? 1 : 0, start, limit: limit ?? ALL };
    return this.#query(parts, isCut).bind(db, { ...values, ...page });
  }

  /** What cuts is written out only where it is needed: it makes the statement four times as long. */
  #query(parts: ReadonlySet<PrinterPart>, isCut: boolean): PreparedQuery<PackedRow> {
    const name = [isCut, ...[...parts].sort()].join();
    const query = this.#made.get(name) ?? new PreparedQuery<PackedRow>(listQuery(this.#userId, parts, isCut));
    this.#made.set(name, query);
    return query;
  }
}

type Values = Readonly<Record<string, unknown>>;

/** SQLite's word for no limit. */
const ALL = -1;

function listQuery(userId: Placeholder | SQL, parts: ReadonlySet<PrinterPart>, isCut: boolean) {
  const isListed = and(
    sql`${printers.userId} = ${userId}`,
    isNull(printers.deletedAt),
    or(ARCHIVED_TOO, isNull(printers.archivedAt)),
  );
  const cut = sql`limit ${sql.placeholder("limit")} offset ${sql.placeholder("start")}`;
  const page = sql`(select ${printers.id} from ${printers} where ${isListed} order by ${printers.id} ${cut})`;
  const hasLive = parts.has("live") || parts.has("status");
  const query = queries
    .select({
      ...PRINTER.selection(),
      ...(hasLive ? LIVE.selection() : {}),
      ...(parts.has("print") ? PRINT.selection() : {}),
      ...(parts.has("file") ? FILE.selection() : {}),
      ...(parts.has("status") ? named({ status: shownStatus(page, isCut) }) : {}),
      ...(parts.has("settings") ? named({ settings: shownSettings(page, isCut) }) : {}),
    })
    .from(printers)
    .$dynamic();
  if (hasLive) query.leftJoin(printerLive, eq(printerLive.printerId, printers.id));
  if (parts.has("print") || parts.has("file")) query.leftJoin(prints, eq(prints.id, printers.currentPrintId));
  if (parts.has("file")) query.leftJoin(gCodeFiles, eq(gCodeFiles.id, prints.gCodeFileId));
  return query
    .where(isListed)
    .orderBy(asc(printers.id))
    .limit(sql.placeholder("limit"))
    .offset(sql.placeholder("start"));
}

function shownStatus(page: SQL, isCut: boolean): SQL {
  const { status, printerId } = printerLive;
  const total = sql`select total(octet_length(${status})) from ${printerLive} where ${printerId} in ${page}`;
  return boundedJson(status, status, total, isCut ? KEPT_STATUS : null);
}

function shownSettings(page: SQL, isCut: boolean): SQL {
  const { settings, id } = printers;
  const total = sql`select total(octet_length(${settings})) from ${printers} where ${id} in ${page}`;
  return boundedJson(settings, SHOWN_SETTINGS, total, isCut ? KEPT_SETTINGS : null);
}

/** The printers of a list's rows, as fresh as their objects' projections. */
function printersOfRows(rows: readonly PackedRow[], now: number): ListedPrinter[] {
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

/** The account's printers by id, in one query unless long texts are cut. */
export async function listPrinters(
  db: Db,
  userId: number,
  selection: PrinterSelection,
  now: number,
): Promise<ListedPrinter[]> {
  const { results } = await OF_USER.bind(db, selection, { userId }).all<PackedRow>();
  return OF_USER.read(db, selection, { userId }, results, now);
}

/** A status is told by its copy's number, settings by the printer's revision; all else of a row stands for itself. */
function versionOf({ status: _status, settings: _settings, ...short }: PackedRow, view: PrinterView): string {
  return [view.presence.state, ...Object.values(short)].join("\n");
}

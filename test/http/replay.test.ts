/** The recordings of the real agents, whole, through the whole Worker: they find what they need, and history tells what they did. */
import { asc, eq } from "drizzle-orm";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { gCodeFiles } from "../../src/db/schema/g-code.ts";
import { printerEvents, prints } from "../../src/db/schema/history.ts";
import { call } from "../support/api.ts";
import { db, projected } from "../support/printer.ts";
import { RECORDINGS, type RecordedLine } from "../support/recordings.ts";
import { type Answered, Replay, type Replayed, SHIFT_S } from "../support/replay.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

async function replay(name: keyof typeof RECORDINGS): Promise<Replayed> {
  const replayed = await Replay.run(RECORDINGS[name], makeCloudFile);
  await projected(replayed.printerId);
  return replayed;
}

async function makeCloudFile(userId: number): Promise<number> {
  const row = { userId, filename: "My Cube.gcode", safeFilename: "My_Cube.gcode", createdAt: 1, updatedAt: 1 };
  const [file] = await db.insert(gCodeFiles).values(row).returning();
  if (file === undefined) throw new Error("no file");
  return file.id;
}

/** What the agents' own table of URLs calls needed. */
function expectNeeded({ recorded, answer }: Answered): void {
  const { path, http, headers, body: sent = "" } = recorded;
  const call = `${recorded.t} ${http} ${path}`;
  const { status, body } = answer;
  const isFine = status >= 200 && status < 300;
  if (headers.authorization === "Token") expect(status, call).toBe(401);
  else if (path.includes("/verify/")) expect([200, 404], call).toContain(status);
  else expect(isFine, `${call}: ${status}`).toBe(true);
  if (!isFine) return;
  if (path.includes("/verify/")) expect(body.printer.auth_token, call).toMatch(/^[0-9a-z]{1,64}$/);
  if (path.endsWith("/octo/printer/")) {
    expect(body.printer, call).toMatchObject({ id: expect.any(Number), name: expect.any(String), is_pro: true });
  }
  if (path.endsWith("/g_code_files/")) expect(body.id, call).toEqual(expect.any(Number));
  if (path.endsWith("/ext/")) expect(body, call).toEqual({ ext: {} });
  if (!path.endsWith("/unlinked/")) return;
  expect(body.messages, call).toEqual([]);
  if (sent.includes("one_time_passcode")) {
    const keys = ["messages", "one_time_passcode", "one_time_passlink", "verification_code"];
    expect(Object.keys(body).sort(), call).toEqual(keys);
  }
}

/** Every call had its answer, every handshake its status, and no sound frame was found fault with. */
function expectServed(replayed: Replayed): void {
  for (const answered of replayed.answers) expectNeeded(answered);
  for (const { status, isAccepted } of replayed.handshakes) expect(status).toBe(isAccepted ? 101 : 401);
  expect(replayed.faults).toBe(0);
}

const EPOCH_S = 1_795_400_000 + SHIFT_S;

async function historyOf({ printerId }: Replayed) {
  const own = eq(prints.printerId, printerId);
  const rows = await db
    .select({ print: prints, file: gCodeFiles.filename })
    .from(prints)
    .leftJoin(gCodeFiles, eq(gCodeFiles.id, prints.gCodeFileId))
    .where(own)
    .orderBy(asc(prints.startedAt), asc(prints.id));
  const events = await db
    .select()
    .from(printerEvents)
    .where(eq(printerEvents.printerId, printerId))
    .orderBy(asc(printerEvents.id));
  return rows.map(({ print, file }) => ({
    ext: print.extId - EPOCH_S,
    outcome: print.outcome,
    file,
    told: events
      .filter((event) => event.printId === print.id)
      .map((event) => event.eventType)
      .join(" "),
    seconds: print.endedAt === null ? null : Math.round((print.endedAt - print.startedAt) / 1000),
  }));
}

async function printerOf({ account, printerId }: Replayed) {
  return (await call("GET", `/api/v1/printers/${printerId}/`, { token: account.token })).body;
}

function verifiedIn({ answers }: Replayed): number[] {
  return answers.flatMap(({ recorded, answer }) => (recorded.path.includes("/verify/") ? [answer.status] : []));
}

async function errorsOf({ printerId }: Replayed) {
  const rows = await db.select().from(printerEvents).where(eq(printerEvents.printerId, printerId));
  return rows.filter((row) => row.eventType === "PRINTER_ERROR").map((row) => row.eventTitle);
}

/** Two starts of the agent told of its camera meanwhile, as every one does. */
const WITH_ERRORS = "STARTED PRINTER_ERROR PRINTER_ERROR ENDED";

/** The agent's settings messages laid over each other. */
function settingsIn(lines: readonly RecordedLine[]): Record<string, unknown> {
  return Object.assign({}, ...lines.map((line) => (line.kind === "frame" ? line.frame.settings : {})));
}

describe("recordings of the real agents", () => {
  test("[A39] moonraker-obico 2.1.4: linked twice, seven prints, four lost sockets", async () => {
    const replayed = await replay("moonraker");
    expectServed(replayed);
    expect(verifiedIn(replayed)).toEqual([200, 404, 200]);
    expect(await historyOf(replayed)).toEqual([
      { ext: 69_661, outcome: "cancelled", file: "cube.gcode", told: "STARTED PAUSED RESUMED ENDED", seconds: 26 },
      { ext: 69_711, outcome: "finished", file: "cube.gcode", told: "STARTED ENDED", seconds: 4 },
      { ext: 69_719, outcome: "failed", file: null, told: "STARTED ENDED", seconds: 9 },
      { ext: 69_777, outcome: "finished", file: "cube.gcode", told: "STARTED ENDED", seconds: 146 },
      { ext: 69_973, outcome: "unknown", file: "My Cube.gcode", told: WITH_ERRORS, seconds: 1321 },
      { ext: 71_300, outcome: "unknown", file: "cube.gcode", told: "STARTED ENDED", seconds: 42 },
      { ext: 71_599, outcome: null, file: "cube.gcode", told: "STARTED", seconds: null },
    ]);
    expect(replayed.commands.map(({ body }) => [body.succeeded, body.command.kind])).toEqual([
      [true, "pause"],
      [true, "resume"],
      [true, "cancel"],
    ]);
    const printer = await printerOf(replayed);
    expect(printer).toMatchObject({
      ...{ agent_name: "moonraker_obico", agent_version: "2.1.4", presence: { state: "online" } },
      current_print: { filename: "cube.gcode", g_code_file: { filename: "cube.gcode" }, outcome: null },
      settings: { webcams: settingsIn(RECORDINGS.moonraker).webcams },
    });
    expect(printer.status).toEqual(replayed.lastStatus);
    expect(await errorsOf(replayed)).toContain("Moonraker Error");
  });

  test("[A40] OctoPrint-Obico 2.6.1: linked twice, five prints, a backlog at every start", async () => {
    const replayed = await replay("octoprint");
    expectServed(replayed);
    expect(verifiedIn(replayed)).toEqual([404, 200, 200]);
    expect(await historyOf(replayed)).toEqual([
      { ext: 70_254, outcome: "finished", file: "t1.gcode", told: "STARTED ENDED", seconds: 26 },
      {
        ...{ ext: 70_326, outcome: "cancelled", file: "t2.gcode", seconds: 35 },
        told: "STARTED PAUSED RESUMED PAUSED FILAMENT_CHANGE ENDED",
      },
      { ext: 70_461, outcome: "failed", file: "t2.gcode", told: "STARTED ENDED", seconds: 54 },
      { ext: 70_530, outcome: "finished", file: "My Cube.gcode", told: "STARTED ENDED", seconds: 0 },
      { ext: 70_542, outcome: "cancelled", file: "t2.gcode", told: "STARTED ENDED", seconds: 11 },
    ]);
    expect(replayed.commands.map(({ body }) => [body.succeeded, body.command.kind])).toEqual([
      [true, "pause"],
      [true, "resume"],
      [true, "cancel"],
      [true, "cancel"],
    ]);
    const printer = await printerOf(replayed);
    expect(printer).toMatchObject({
      ...{ agent_name: "octoprint_obico", agent_version: "2.6.1", current_print: null },
      presence: { state: "stale" },
      settings: { printer_metadata: JSON.stringify(settingsIn(RECORDINGS.octoprint).printer_metadata) },
    });
    expect(printer.status).toEqual(replayed.lastStatus);
  });

  test.each([
    ["moonraker receipts", 72_801, 19],
    ["octoprint receipts", 72_878, 26],
  ] as const)("[A41] %s: a print paused, resumed and cancelled over REST", async (name, ext, seconds) => {
    const replayed = await replay(name);
    expectServed(replayed);
    const [print, ...others] = await historyOf(replayed);
    expect([print, others]).toMatchObject([{ ext, outcome: "cancelled", told: "STARTED PAUSED RESUMED ENDED" }, []]);
    expect(Math.abs((print?.seconds ?? 0) - seconds)).toBeLessThanOrEqual(1);
    const ids = replayed.commands.map(({ body }) => body.command.id);
    expect(replayed.commands.map(({ body }) => body.succeeded)).toEqual([true, true, true]);
    const { account, printerId } = replayed;
    const ledger = await call("GET", `/api/v1/printers/${printerId}/commands/`, { token: account.token });
    expect(ledger.body.map((one: { id: string; state: string }) => [one.id, one.state])).toEqual(
      ids.map((id) => [id, "succeeded"]).reverse(),
    );
  });
});

/** The printers' list as SQL: one query, whatever the number of rows, which reads what is asked for and no more. */
import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import { app } from "../../src/app.ts";
import { connect } from "../../src/db/client.ts";
import { listPrinters, PRINTER_PARTS, type PrinterPart } from "../../src/db/printer-list.ts";
import { type LiveImage, projectRow } from "../../src/db/projection.ts";
import { prints } from "../../src/db/schema/history.ts";
import { printerLive, printers } from "../../src/db/schema/printers.ts";
import { DEFAULT_CONFIGURATION } from "../../src/domain/configuration.ts";
import { settingsJson } from "../../src/http/json/settings.ts";
import { makeAccount, ORIGIN } from "../support/api.ts";
import { meter, scannedTables } from "../support/metered.ts";
import { makePrinter } from "../support/printer.ts";
import { fc } from "../support/random.ts";

const db = connect(env.DB);

async function accountWith(count: number) {
  const account = await makeAccount();
  const rows = Array.from({ length: count }, (_, index) => ({
    ...DEFAULT_CONFIGURATION,
    ...{ userId: account.userId, uid: crypto.randomUUID(), name: `Printer ${index}`, createdAt: index },
  }));
  const [first, ...rest] = rows.map((row) => db.insert(printers).values(row));
  if (first !== undefined) await db.batch([first, ...rest]);
  return account;
}

describe("the list of printers", () => {
  test.each([0, 1, 300])("[O37] [O38] %i printers are one round trip with the token's look-up", async (count) => {
    const { token } = await accountWith(count);
    const { database, take } = meter(env.DB);
    const request = new Request(`${ORIGIN}/api/v1/printers/`, { headers: { "X-API-Key": token } });
    const waits: Promise<unknown>[] = [];
    const context = {
      waitUntil: (promise: Promise<unknown>) => waits.push(promise),
      passThroughOnException() {},
      props: {},
    };
    const response = await app.fetch(request, { ...env, DB: database }, context as unknown as ExecutionContext); // safe: what Hono reads of one
    expect(await response.json()).toHaveLength(count);
    await Promise.all(waits);
    // Token and list, and once a day the note that the token was used.
    expect(take()).toEqual({ roundTrips: 2, rowsWritten: 1 });
  });

  test("[O38] its plan searches every table by an index", async () => {
    const { userId } = await accountWith(1);
    const { database, statements } = meter(env.DB);
    for (const withArchived of [true, false]) {
      const selection = { withArchived, start: 0, limit: null, parts: new Set(PRINTER_PARTS) };
      await listPrinters(connect(database), userId, selection, Date.now());
    }
    expect(statements).toHaveLength(2);
    // The members of a JSON text are no table.
    const scanned = await scannedTables(env.DB, statements);
    expect(scanned.filter((step) => !step.includes("VIRTUAL TABLE"))).toEqual([]);
    const [statement = ""] = statements;
    const binds = [...statement.matchAll(/\?/g)].map(() => 1);
    const { results } = await env.DB.prepare(`explain query plan ${statement}`)
      .bind(...binds)
      .all<{ detail: string }>();
    const plan = results.map(({ detail }) => detail).join("\n");
    expect(plan).toContain("USING INDEX printers_user");
    expect(plan).not.toContain("TEMP B-TREE");
  });
});

const NOW = 1_790_000_000_000;

function listed(userId: number, parts: readonly PrinterPart[] = PRINTER_PARTS, database = env.DB, now = NOW) {
  const selection = { withArchived: false, start: 0, limit: null, parts: new Set(parts) };
  return listPrinters(connect(database), userId, selection, now);
}

describe("what the list reads", () => {
  const TABLES = {
    live: "printer_live",
    status: '."status"',
    settings: '."settings"',
    print: '"prints"',
    file: '"g_code_files"',
  };

  test.each(PRINTER_PARTS)("[O65] %s only where it is asked for", async (part) => {
    const { database, statements } = meter(env.DB);
    await listed(1, [part], database);
    await listed(
      1,
      PRINTER_PARTS.filter(
        (other) =>
          other !== part && !(part === "live" && other === "status") && !(part === "print" && other === "file"),
      ),
      database,
    );
    expect(statements.map((statement) => statement.includes(TABLES[part]))).toEqual([true, false]);
  });

  test("[O65] reals to their last digit, and flags, as they were written", async () => {
    const { id, userId } = await makePrinter({ connectedAt: NOW });
    const [retractOnPause, liftZOnPause, printTime] = [0.1 + 0.2, 2 / 3, 1e-7 / 3];
    await db
      .update(printers)
      .set({ retractOnPause, liftZOnPause, bedOffOnPause: true, currentPrintId: id * 100_000 })
      .where(eq(printers.id, id));
    const print = {
      id: id * 100_000,
      printerId: id,
      userId,
      revision: 1,
      extId: 5,
      filename: 'é\u0000"',
      startedAt: NOW,
    };
    await db.insert(prints).values({ ...print, printTime });
    const [row] = await listed(userId);
    expect(row?.printer.configuration).toMatchObject({
      retractOnPause,
      liftZOnPause,
      bedOffOnPause: true,
      watchingEnabled: true,
    });
    expect(row?.printer.currentPrint).toMatchObject({
      printTimeSeconds: printTime,
      filename: print.filename,
      filamentUsedMm: null,
    });
  });

  test("[O65] [A22] of settings what is shown, as if all of them had been read", async () => {
    const agent = { agentName: "moonraker_obico", agentVersion: "2.1.4" };
    const odd = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom(1e21, 0.1 + 0.2, 1.2345678901234567e19, -0, "\ud800", "\u0000"),
    );
    const webcam = fc.dictionary(
      fc.constantFrom("flipV", "rotation", "stream_id", "is_primary_camera", "__proto__"),
      odd,
    );
    const webcams = fc.oneof(odd, fc.array(webcam, { maxLength: 3 }));
    const told = fc.record(
      {
        ...{ webcams, data_channel_id: odd, printer_metadata: odd, platform_uname: odd, installed_plugins: odd },
        ...{ tsd_plugin_version: odd, octoprint_version: odd, other: odd, none: odd },
        temperature: fc.oneof(odd, fc.record({ profiles: odd, cutoff: odd }, { requiredKeys: [] })),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(told, { minLength: 1, maxLength: 40 }), async (all) => {
        const { userId } = await makeAccount();
        const texts = all.map((settings) => JSON.stringify(settings));
        const rows = texts.map((settings) => ({
          ...{ ...DEFAULT_CONFIGURATION, ...agent, settings, userId },
          ...{ uid: crypto.randomUUID(), name: "x", createdAt: 1 },
        }));
        const [first, ...rest] = rows.map((row) => db.insert(printers).values(row));
        if (first !== undefined) await db.batch([first, ...rest]);
        const found = await listed(userId);
        expect(found.map(({ printer }) => settingsJson(printer.settings, agent))).toEqual(
          texts.map((text) => settingsJson(text, agent)),
        );
      }),
      { numRuns: 15 },
    );
  });

  test("[O65] settings that are no JSON are those of an agent that sent none", async () => {
    const { userId } = await makePrinter({ settings: "{broken" });
    expect((await listed(userId))[0]?.printer.settings).toBeNull();
  });
});

describe("a listed printer's version", () => {
  test("[H16] is another one once the printer is offline, though no row changed, and not for the clock alone", async () => {
    const { userId } = await makePrinter({ connectedAt: 1, disconnectedAt: NOW });
    const shown = await Promise.all(
      [0, 59_999, 60_000, 90_000].map(async (later) => {
        const [row] = await listed(userId, ["live"], env.DB, NOW + later);
        return { state: row?.printer.presence.state, version: row?.version };
      }),
    );
    expect(shown.map(({ state }) => state)).toEqual(["stale", "stale", "offline", "offline"]);
    const [first, second, third, fourth] = shown.map(({ version }) => version);
    expect([first === second, second === third, third === fourth]).toEqual([true, false, true]);
  });

  const image = (status: string): LiveImage => ({
    ...{ at: NOW, status, statusAt: NOW, isPrinting: false, lastSeenAt: NOW, normalizedP: 0, lastExaminedAt: null },
  });

  test("[H16] is another one after a copy of the same millisecond", async () => {
    const printer = await makePrinter({ connectedAt: NOW });
    const versions = [];
    for (const status of ['{"a":1}', '{"a":2}']) {
      await env.DB.batch([projectRow(db, printer, { kind: "live", image: image(status) }, 0)]);
      const [row] = await listed(printer.userId);
      expect(row?.printer.status).toBe(status);
      versions.push(row?.version);
    }
    expect(new Set(versions).size).toBe(2);
    await db.delete(printerLive).where(eq(printerLive.printerId, printer.id));
  });
});

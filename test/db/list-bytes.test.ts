/** What a list of printers reads of agents' long JSON: all of it up to 4 MiB, beyond that what clients use. */
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { connect } from "../../src/db/client.ts";
import type { Kept } from "../../src/db/list-bytes.ts";
import { KEPT_STATUS, listPrinters, PRINTER_PARTS } from "../../src/db/printer-list.ts";
import { printerLive, printers } from "../../src/db/schema/printers.ts";
import { DEFAULT_CONFIGURATION } from "../../src/domain/configuration.ts";
import { type Account, call, makeAccount } from "../support/api.ts";
import { meterDatabase } from "../support/database.ts";
import { db } from "../support/printer.ts";
import { fc } from "../support/random.ts";

const NOW = Date.now();
const MIB = 2 ** 20;
const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value)).byteLength;

interface Told {
  readonly status?: string;
  readonly settings?: string;
}

/** Online printers whose rows hold these texts. */
async function accountOf(told: readonly Told[]): Promise<Account> {
  const account = await makeAccount();
  for (const { status, settings } of told) {
    const [printer] = await db
      .insert(printers)
      .values({
        ...{ ...DEFAULT_CONFIGURATION, userId: account.userId, uid: crypto.randomUUID(), name: "x", createdAt: 1 },
        ...{ connectedAt: NOW - 1000, settings: settings ?? null },
      })
      .returning();
    if (printer === undefined) throw new Error("no printer");
    if (status !== undefined)
      await db.insert(printerLive).values({ printerId: printer.id, at: NOW, status, statusAt: NOW });
  }
  return account;
}

/** A thousand of them with the same texts, in two statements. */
async function accountOfThousand({ status, settings }: Told): Promise<Account> {
  const account = await accountOf([{ settings: settings ?? "{}", status: "{}" }]);
  const columns = (
    await env.DB.prepare("select name from pragma_table_info('printers')").all<{ name: string }>()
  ).results
    .map(({ name }) => name)
    .filter((name) => name !== "id" && name !== "uid");
  await env.DB.batch([
    env.DB.prepare(
      `insert into printers (uid, ${columns}) with recursive n(n) as (select 2 union all select n + 1 from n where n < 1000)
       select 'n' || n || hex(randomblob(8)), ${columns.map((name) => `printers.${name}`)} from n, printers where user_id = ?`,
    ).bind(account.userId),
    env.DB.prepare(
      `insert or replace into printer_live (printer_id, at, status_at, status)
       select id, ?2, ?2, ?3 from printers where user_id = ?1`,
    ).bind(account.userId, NOW, status ?? "{}"),
  ]);
  return account;
}

const list = async (account: Account, query = "") => {
  const { status, body, headers } = await call("GET", `/api/v1/printers/${query}`, account);
  expect(status).toBe(200);
  return { shown: body as { id: number; status: unknown; settings: unknown }[], etag: headers.get("ETag") };
};

/** What clients read, as an agent of OctoPrint says it. */
const USED = {
  state: { text: "Printing", flags: { operational: true, printing: true, closedOrError: false }, error: "" },
  job: { file: { name: "hook.gcode", path: "a/hook.gcode", display: "Hook" }, estimatedPrintTime: 3723.4000000000001 },
  progress: { completion: 12.300000000000001, printTime: 100, printTimeLeft: null },
  temperatures: { tool0: { actual: 205.1, target: 205, offset: 0 }, bed: { actual: 60, target: null, offset: 0 } },
  _ts: 1790000001.25,
  currentZ: 1e-7,
  user_interaction_required: false,
  display_status: { message: "Schicht 3 \u{1F6E0}" },
  file_metadata: { obico: { totalLayerCount: 120 }, analysis: { printingArea: { maxZ: 31.2 } } },
};

/** As long as that, by a key that nobody reads. */
function statusOf(bytes: number, used: object = USED): string {
  const empty = bytesOf({ ...used, history: "" });
  return JSON.stringify({ ...used, history: "x".repeat(bytes - empty) });
}

describe("statuses of a list", () => {
  test("[O71] are whole up to 4 MiB together, to the byte", async () => {
    for (const [last, isWhole] of [[0, true] as const, [1, false] as const]) {
      const texts = [statusOf(2 * MIB - 1000), statusOf(2 * MIB - 1000), statusOf(2000 + last)];
      const { shown } = await list(await accountOf(texts.map((status) => ({ status }))));
      const wanted = texts.map((text) => (isWhole || text.length <= 4096 ? JSON.parse(text) : USED));
      expect(shown.map(({ status }) => status)).toEqual(wanted);
    }
  });

  test("[O71] of 12 printers with 900 KB each are what clients read, a short one beside them is whole", async () => {
    const short = statusOf(4096);
    const told = [...Array.from({ length: 12 }, () => ({ status: statusOf(900_000) })), { status: short }];
    const account = await accountOf(told);
    const { shown } = await list(account);
    expect(shown.map(({ status }) => status)).toEqual([...Array.from({ length: 12 }, () => USED), JSON.parse(short)]);
    expect(bytesOf(shown)).toBeLessThan(64 * 1024);
    // A page that has fewer of them shows them whole.
    const page = await list(account, "?limit=4&start=1");
    expect(page.shown.map(({ status }) => bytesOf(status))).toEqual([900_000, 900_000, 900_000, 900_000]);
    // Token and list are one round trip, and one more for what is cut.
    const costs = [];
    for (const query of ["?limit=4&start=1", ""]) {
      const meter = meterDatabase();
      await list(account, query);
      meter.undo();
      costs.push(meter.take().roundTrips);
    }
    expect(costs).toEqual([1, 2]);
    const thin = await list(account, "?fields=status");
    expect(thin.shown.map(({ status }) => status)).toEqual(shown.map(({ status }) => status));
  });

  test("[O71] of 1,000 printers with 40 KB each are less than 4 MiB", async () => {
    const account = await accountOfThousand({ status: statusOf(40_000) });
    const { shown } = await list(account);
    expect(shown).toHaveLength(1000);
    expect(shown.every(({ status }) => bytesOf(status) === bytesOf(USED))).toBe(true);
    expect(bytesOf(shown.map(({ status }) => status))).toBeLessThan(4 * MIB);
  });

  test("[O71] stay short also where what clients read is long itself", async () => {
    const long = "\u0001ü\u{1F6E0}".repeat(20_000);
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`tool${n}`, { actual: n, target: 0 }]));
    const used = {
      ...{ _ts: long, currentZ: [long], user_interaction_required: { a: long }, temperatures: many },
      ...{ state: { text: long, error: long, flags: { printing: true, error: many } }, job: long, progress: [many] },
      ...{ display_status: { message: long }, file_metadata: null },
    };
    const account = await accountOf(Array.from({ length: 12 }, () => ({ status: JSON.stringify(used) })));
    const { shown } = await list(account);
    const start = [...long].slice(0, 100).join("");
    expect(shown[0]?.status).toEqual({
      ...{ _ts: start, state: { text: start, error: start, flags: { printing: true } }, job: start },
      ...{ display_status: { message: start }, file_metadata: null },
    });
    expect(bytesOf(shown)).toBeLessThan(64 * 1024);
  });

  test("[O71] are cut as told, whatever they hold", async () => {
    const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.string({ unit: "binary", maxLength: 300 }), fc.double());
    const drawn = (kept: Kept | number): fc.Arbitrary<unknown> =>
      typeof kept === "number"
        ? value
        : fc.oneof(
            { weight: 4, arbitrary: fc.record(fieldsOf(kept), { requiredKeys: [] }) },
            { weight: 1, arbitrary: value },
          );
    const fieldsOf = (kept: Kept) => ({
      ...Object.fromEntries(Object.entries(kept).map(([key, under]) => [key, drawn(under)])),
      other: value,
    });
    const status = fc.record(fieldsOf(KEPT_STATUS), { requiredKeys: [] });
    await fc.assert(
      fc.asyncProperty(fc.array(status, { minLength: 1, maxLength: 50 }), async (all) => {
        const texts = all.map((one) => JSON.stringify({ ...one, history: "x".repeat(5000) }));
        const big = statusOf(4 * MIB, {}).slice(0, 2 * MIB - 20);
        const filling = Array.from({ length: 3 }, () => ({ status: `${big}"}` }));
        const { userId } = await accountOf([...texts.map((text) => ({ status: text })), ...filling]);
        const selection = { withArchived: false, start: 0, limit: null, parts: new Set(PRINTER_PARTS) };
        const found = await listPrinters(connect(env.DB), userId, selection, NOW);
        const shown = found.slice(0, texts.length).map(({ printer }) => printer.status);
        expect(shown).toEqual(texts.map((text) => JSON.stringify(cut(JSON.parse(text), KEPT_STATUS))));
      }),
      { numRuns: 5 },
    );
  });

  test("[O71] [H16] the entity tag tells what is shown of them", async () => {
    const account = await accountOf(Array.from({ length: 5 }, () => ({ status: statusOf(800_000) })));
    const [first, again] = [await list(account), await list(account)];
    expect(again).toEqual(first);
    await accountOfOneMore(account);
    const { shown, etag } = await list(account);
    expect(shown[0]?.status).toEqual(USED);
    expect(etag).not.toBe(first.etag);
  });

  async function accountOfOneMore({ userId }: Account): Promise<void> {
    const row = { ...DEFAULT_CONFIGURATION, userId, uid: crypto.randomUUID(), name: "x", createdAt: 1, connectedAt: 1 };
    const [printer] = await db.insert(printers).values(row).returning();
    if (printer !== undefined) {
      await db.insert(printerLive).values({ printerId: printer.id, at: NOW, status: statusOf(800_000), statusAt: NOW });
    }
  }
});

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The same in JavaScript. */
function cut(value: Record<string, unknown>, kept: Kept): object {
  const entries = Object.entries(value).flatMap(([key, member]): [string, unknown][] => {
    const under = Object.hasOwn(kept, key) ? kept[key] : undefined;
    if (under === undefined) return [];
    if (isObject(member) && typeof under !== "number") return [[key, cut(member, under)]];
    const limit = typeof under === "number" ? under : 0;
    const bytes = typeof member === "string" ? new TextEncoder().encode(member).byteLength : bytesOf(member);
    if (member === null || bytes <= limit) return [[key, member]];
    // SQLite cuts before a null character.
    return typeof member === "string" ? [[key, [...(member.split("\0")[0] ?? "")].slice(0, 100).join("")]] : [];
  });
  return Object.fromEntries(entries);
}

describe("settings of a list", () => {
  const webcams = [{ name: "A", stream_id: 7, rotation: 90 }];
  const used = { webcams, data_channel_id: 3, temperature: { profiles: [{ name: "PLA", bed: 60 }] } };
  const long = JSON.stringify({ ...used, octoprint_version: "1.10.3", installed_plugins: ["x".repeat(60_000)] });

  test("[O71] are whole up to 4 MiB together", async () => {
    const { shown } = await list(await accountOf(Array.from({ length: 12 }, () => ({ settings: long }))));
    expect(shown[11]?.settings).toMatchObject({ installed_plugins: JSON.stringify(["x".repeat(60_000)]) });
  });

  test("[O71] of 1,000 printers with 60 KB each are what clients read", async () => {
    const { shown } = await list(await accountOfThousand({ settings: long }));
    expect(shown.map(({ settings }) => settings)).toEqual(
      Array.from({ length: 1000 }, () =>
        expect.objectContaining({
          ...{ webcams, data_channel_id: "3", temp_profiles: used.temperature.profiles, webcam_rotation: 90 },
          ...{ octoprint_version: "1.10.3", installed_plugins: "[]" },
        }),
      ),
    );
    expect(bytesOf(shown.map(({ settings }) => settings))).toBeLessThan(4 * MIB);
  });
});

/** How an object without state gets one. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { eq } from "drizzle-orm";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { printers } from "../../src/db/schema/printers.ts";
import { breakDatabase, meterDatabase } from "../support/database.ts";
import { db, dial, makePrinter } from "../support/printer.ts";

let heal: () => void = () => {};
let logged = vi.spyOn(console, "error");

beforeEach(() => {
  logged = vi.spyOn(console, "error").mockImplementation(() => {});
});

afterEach(() => {
  heal();
  logged.mockRestore();
});

describe("a first wake", () => {
  test("[O20] is one query, however many call at once", async () => {
    const printer = await makePrinter();
    const meter = meterDatabase();
    heal = meter.undo;
    const views = await runInDurableObject(printer.stub, (object) =>
      Promise.all(Array.from({ length: 10 }, () => object.view(printer.uid))),
    );
    expect(views.every((view) => view.ok)).toBe(true);
    expect(meter.take().roundTrips).toBe(1);
    await printer.stub.view(printer.uid);
    await evictDurableObject(printer.stub);
    await printer.stub.view(printer.uid);
    expect(meter.take().roundTrips).toBe(0);
  });

  test("[O20] answers each caller for its own uid, whoever came first", async () => {
    const printer = await makePrinter();
    const [stale, right] = await runInDurableObject(printer.stub, (object) =>
      Promise.all([object.view("another"), object.view(printer.uid)]),
    );
    expect(stale).toMatchObject({ ok: false, failure: { code: "not_found" } });
    expect(right).toMatchObject({ ok: true, value: { uid: printer.uid } });
  });

  test("[O21] while D1 is down is unavailable, and never 404 or 401", async () => {
    const printer = await makePrinter();
    heal = breakDatabase("refusing");
    const unavailable = { ok: false, failure: { code: "unavailable" } };
    const agent = { printerId: printer.id, uid: printer.uid, generation: 1, keyId: "t1" };
    expect(await printer.stub.view(printer.uid)).toMatchObject(unavailable);
    expect(await printer.stub.agentView(agent)).toMatchObject(unavailable);
    expect((await dial(printer)).status).toBe(503);
    heal();
    expect((await printer.stub.view(printer.uid)).ok).toBe(true);
  });

  test("[O22] that finds nothing leaves nothing behind", async () => {
    const printer = await makePrinter();
    await db.update(printers).set({ uid: "successor" }).where(eq(printers.id, printer.id));
    expect(await printer.stub.view(printer.uid)).toMatchObject({ failure: { code: "not_found" } });
    const tables = await runInDurableObject(printer.stub, (_instance, state) =>
      state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT GLOB '_cf_*'").toArray(),
    );
    expect(tables).toEqual([]);
    await db.update(printers).set({ uid: printer.uid }).where(eq(printers.id, printer.id));
    expect((await printer.stub.view(printer.uid)).ok).toBe(true);
  });

  test("[O23] of a row that is deleted already is a tombstone", async () => {
    const printer = await makePrinter({ deletedAt: 1 });
    expect(await printer.stub.view(printer.uid)).toMatchObject({ failure: { code: "not_found" } });
    await db.update(printers).set({ deletedAt: null }).where(eq(printers.id, printer.id));
    expect(await printer.stub.view(printer.uid)).toMatchObject({ failure: { code: "not_found" } });
  });
});

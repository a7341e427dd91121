/** What waits for D1, in memory and in the table: whatever comes in between, no newer image is lost and no row waits twice. */
import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import type { Projection } from "../../src/db/projection.ts";
import type { PrinterEvent } from "../../src/domain/events.ts";
import { BATCH_ROWS, type OutboxRow, OutboxTable } from "../../src/printer/outbox-table.ts";
import { makePrinter } from "../support/printer.ts";
import { fc } from "../support/random.ts";

const LIVE = { at: 0, status: null, isPrinting: false, statusAt: null, lastSeenAt: null, normalizedP: 0 } as const;
const EVENT: PrinterEvent = {
  ...{ id: 0, printerId: 7, userId: 1, printId: null, createdAt: 0, imageUrl: null, infoUrl: null },
  ...{ type: "PAUSED", class: "INFO", title: null, text: null },
};

/** The images differ by `mark`. */
function aLive(mark: number): Projection {
  return { kind: "live", image: { ...LIVE, at: mark, lastExaminedAt: null } };
}

function anEvent(id: number, mark: number): Projection {
  return { kind: "event", image: { ...EVENT, id, createdAt: mark } };
}

function markOf({ projection }: OutboxRow): number {
  if (projection.kind === "live") return projection.image.at;
  return projection.kind === "event" ? projection.image.createdAt : -1;
}

async function withSql(act: (sql: SqlStorage) => void): Promise<void> {
  const printer = await makePrinter();
  await printer.stub.view(printer.uid);
  await runInDurableObject(printer.stub, (_instance, { storage }) => act(storage.sql));
}

type Act =
  | { readonly type: "put"; readonly row: number }
  | { readonly type: "read" | "remove" | "refuse" | "forget" | "evict" };

const acts: fc.Arbitrary<Act> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constant("put" as const), row: fc.nat(3) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constantFrom("read" as const, "remove" as const, "refuse" as const, "forget", "evict"),
    }) as fc.Arbitrary<Act>,
  },
);

test("[O9] [O12] [O14] what was put waits until a page that held its newest image was written or refused", () =>
  withSql((sql) => {
    fc.assert(
      fc.property(fc.array(acts, { maxLength: 40 }), (sequence) => {
        sql.exec("DELETE FROM outbox");
        let table = new OutboxTable(sql);
        let page: OutboxRow[] = [];
        let mark = 0;
        /** Key to the mark of its newest image. */
        const waiting = new Map<string, number>();
        const settle = () => {
          for (const row of page) if (waiting.get(row.key) === markOf(row)) waiting.delete(row.key);
          page = [];
        };
        for (const act of sequence) {
          switch (act.type) {
            case "put":
              mark += 1;
              // Row 0 is the list's copy, whose revision stays.
              table.put(act.row === 0 ? aLive(mark) : anEvent(act.row, mark), act.row === 0 ? 1 : mark);
              waiting.set(act.row === 0 ? "live" : `event:${act.row}`, mark);
              break;
            case "read":
              page = table.readPage();
              break;
            case "remove":
              table.remove(page);
              settle();
              break;
            case "refuse":
              for (const row of page) table.setAside(row);
              settle();
              break;
            case "forget":
              table.forget();
              break;
            case "evict":
              table = new OutboxTable(sql);
              page = [];
              break;
          }
          expect(table.isEmpty()).toBe(waiting.size === 0);
        }
        const rows = table.readPage();
        expect(new Map(rows.map((row) => [row.key, markOf(row)]))).toEqual(waiting);
        expect(rows.map(({ key }) => key)).toEqual([...waiting.keys()].sort());
        expect(table.hasUpTo(mark)).toBe(waiting.size > 0);
      }),
    );
  }));

test("[O13] more than a page waits in the table, and is read page by page in order", () =>
  withSql((sql) => {
    const table = new OutboxTable(sql);
    sql.exec("DELETE FROM outbox");
    table.forget();
    for (let id = 0; id < BATCH_ROWS + 20; id++) table.put(anEvent(1000 + id, id), id);
    table.put(aLive(1), 1);
    const first = table.readPage();
    expect(first).toHaveLength(BATCH_ROWS);
    table.remove(first);
    const second = table.readPage();
    expect(second.map(({ key }) => key).at(-1)).toBe("live");
    expect([...first, ...second].map(markOf).slice(0, -1)).toEqual(
      Array.from({ length: BATCH_ROWS + 20 }, (_, n) => n),
    );
    table.remove(second);
    expect(table.isEmpty()).toBe(true);
  }));

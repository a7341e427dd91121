/** What an image that an object sends does to the row that D1 has. */
import { eq } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import { type Projection, projectRow } from "../../src/db/projection.ts";
import { users } from "../../src/db/schema/accounts.ts";
import { gCodeFiles } from "../../src/db/schema/g-code.ts";
import { printerEvents, prints } from "../../src/db/schema/history.ts";
import { printerLive } from "../../src/db/schema/printers.ts";
import { type Print, printByServer } from "../../src/domain/print.ts";
import { db, makePrinter, type TestPrinter } from "../support/printer.ts";

const T = 1_790_000_100;

async function project(owner: TestPrinter, projection: Projection, revision: number): Promise<void> {
  await projectRow(db, owner, projection, revision).run();
}

function aPrint({ id }: TestPrinter, patch: Partial<Print> = {}): Print {
  return { ...printByServer(id * 100_000 + 1, T, "hook.gcode", T * 1000), ...patch };
}

async function rowOf({ id }: Print) {
  const [row] = await db.select().from(prints).where(eq(prints.id, id));
  return row;
}

const ENDED = { endedAt: 5, finishedAt: 5, outcome: "finished" } as const;

describe("an image of a print", () => {
  test("[O16] that is older than the row changes nothing, nor does the same one again", async () => {
    const printer = await makePrinter();
    const print = aPrint(printer);
    await project(printer, { kind: "print", image: { ...print, filename: "newer" } }, 8);
    for (const revision of [7, 8]) await project(printer, { kind: "print", image: print }, revision);
    expect(await rowOf(print)).toMatchObject({ filename: "newer", revision: 8 });
  });

  test("[O17] of a printer that D1 does not have under its uid is not written", async () => {
    const printer = await makePrinter();
    const print = aPrint(printer);
    await project({ ...printer, uid: "another" }, { kind: "print", image: print }, 1);
    expect(await rowOf(print)).toBeUndefined();
  });

  test("[L17] [O18] that comes after its end was shown leaves what its owner said, re-opened or not", async () => {
    const printer = await makePrinter();
    const print = aPrint(printer, { filamentUsedMm: 1, printTimeSeconds: 2 });
    await project(printer, { kind: "print", image: print }, 1);
    const ended = { ...print, ...ENDED, filamentUsedMm: 3, printTimeSeconds: 4 };
    await project(printer, { kind: "print", image: ended }, 2);
    expect(await rowOf(print)).toMatchObject({ filamentUsed: 3, printTime: 4 });
    const said = { alertOverwrite: "FAILED", filamentUsed: 7, printTime: 8, deletedAt: 9 } as const;
    await db.update(prints).set(said).where(eq(prints.id, print.id));
    await project(printer, { kind: "print", image: { ...ended, filename: "later" } }, 3);
    expect(await rowOf(print)).toMatchObject({ filename: "later", ...said });
    await project(printer, { kind: "print", image: print }, 4);
    expect(await rowOf(print)).toMatchObject({ outcome: null, endedAt: null, deletedAt: 9 });
  });

  test("[L59] [O18] that tells more of an ended print fills what its owner left open", async () => {
    const printer = await makePrinter();
    const print = { ...aPrint(printer), ...ENDED };
    await project(printer, { kind: "print", image: print }, 1);
    await db.update(prints).set({ printTime: 8 }).where(eq(prints.id, print.id));
    await project(printer, { kind: "print", image: { ...print, filamentUsedMm: 3, printTimeSeconds: 4 } }, 2);
    expect(await rowOf(print)).toMatchObject({ filamentUsed: 3, printTime: 8 });
  });

  test("[O19] is linked to its owner's files only: in the cloud, or on that printer", async () => {
    const printer = await makePrinter();
    const [neighbour] = await db.insert(users).values({ unsubToken: crypto.randomUUID(), createdAt: 1 }).returning();
    const other = await makePrinter({ userId: printer.userId });
    const add = async (userId: number, residentPrinterId: number | null) => {
      const row = { userId, residentPrinterId, filename: "a", safeFilename: "a", createdAt: 1, updatedAt: 1 };
      const [file] = await db.insert(gCodeFiles).values(row).returning();
      return file?.id ?? 0;
    };
    const [cloud, own] = [await add(printer.userId, null), await add(printer.userId, printer.id)];
    const [elsewhere, foreign] = [await add(printer.userId, other.id), await add(neighbour?.id ?? 0, null)];
    const linked = [];
    for (const [index, gCodeFileId] of [cloud, own, elsewhere, foreign, 999_999_999].entries()) {
      const print = aPrint(printer, { gCodeFileId });
      await project(printer, { kind: "print", image: print }, index + 1);
      linked.push((await rowOf(print))?.gCodeFileId);
    }
    expect(linked).toEqual([cloud, own, null, null, null]);
  });
});

test("[L57] [O50] an ENDED gives way to a later one with its id, and no other event to any", async () => {
  const printer = await makePrinter();
  const told = (type: "ENDED" | "PAUSED", id: number, title: string, createdAt: number): Projection => ({
    kind: "event",
    image: {
      ...{ id: printer.id * 100_000_000 + id, printerId: printer.id, userId: printer.userId, printId: 1, type, title },
      ...{ class: "WARNING", text: null, imageUrl: null, infoUrl: null, createdAt },
    },
  });
  await project(printer, told("PAUSED", 1, "a", 10), 1);
  await project(printer, told("ENDED", 2, "a", 10), 1);
  for (const [title, at] of [
    ["b", 20],
    ["c", 20],
    ["d", 19],
  ] as const) {
    await project(printer, told("PAUSED", 1, title, at), 2);
    await project(printer, told("ENDED", 2, title, at), 2);
  }
  const rows = await db.select().from(printerEvents).where(eq(printerEvents.printerId, printer.id));
  expect(rows.map(({ eventTitle, createdAt }) => [eventTitle, createdAt])).toEqual([
    ["a", 10],
    ["c", 20],
  ]);
});

test("[O16] the list's copy never goes back in time", async () => {
  const printer = await makePrinter();
  const copy = (at: number, status: string): Projection => ({
    kind: "live",
    image: { at, status, statusAt: at, isPrinting: false, lastSeenAt: at, normalizedP: 0, lastExaminedAt: null },
  });
  for (const image of [copy(10, "{}"), copy(20, '{"b":1}'), copy(15, '{"c":1}')]) await project(printer, image, 0);
  const [row] = await db.select().from(printerLive).where(eq(printerLive.printerId, printer.id));
  expect(row).toMatchObject({ at: 20, status: '{"b":1}' });
});

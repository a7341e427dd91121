/** What counts as an outage of D1, what as a refusal, by the errors that D1 really gives. */
import { env } from "cloudflare:workers";
import { DrizzleQueryError, sql } from "drizzle-orm";
import { describe, expect, test, vi } from "vitest";
import { connect } from "../../src/db/client.ts";
import { isDatabaseOutage, isUnwritable, within } from "../../src/db/outage.ts";
import { users } from "../../src/db/schema/accounts.ts";
import { printerLive } from "../../src/db/schema/printers.ts";
import { log } from "../../src/log.ts";

const db = connect(env.DB);

async function errorOf(query: PromiseLike<unknown>): Promise<unknown> {
  try {
    await query;
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}

function lost(): Error {
  return new Error("Failed query", { cause: new Error("D1_ERROR: Network connection lost.") });
}

describe("errors of D1", () => {
  test.each([
    ["a lost connection", () => lost(), true, false],
    ["an overload", () => new Error("D1 DB is overloaded. Requests queued for too long."), true, false],
    ["a fault of the platform", () => new Error("internal error; reference = vbvihv58otd5e28ofl1q00rc"), true, false],
    ["no answer in time", () => errorOf(within(1, new Promise(() => {}))), true, false],
    ["a foreign key", () => errorOf(db.insert(printerLive).values({ printerId: 987_654_321, at: 0 })), false, true],
    [
      "a constraint in a batch",
      () => errorOf(db.batch([db.insert(users).values({ id: 1e9, unsubToken: null as never, createdAt: 0 })])),
      false,
      true,
    ],
    ["a row that is too big", () => new Error("D1_ERROR: string or blob too big: SQLITE_TOOBIG"), false, true],
    ["a table that a migration will bring", () => errorOf(env.DB.prepare("SELECT * FROM soon").all()), false, false],
    ["a mistake of ours", () => new TypeError("x is not a function"), false, false],
    ["something thrown that is no error", () => "D1_ERROR", false, false],
  ])("[O36] %s", async (_what, make, outage, unwritable) => {
    const error = await make();
    expect(isDatabaseOutage(error)).toBe(outage);
    expect(isUnwritable(error)).toBe(unwritable);
  });

  test("[O36] what a statement carries is not mistaken for what D1 says", async () => {
    const error = await errorOf(
      db.select().from(users).where(sql`nothing = ${"SQLITE_CONSTRAINT: constraint failed"}`),
    );
    expect(String(error)).toContain("SQLITE_CONSTRAINT");
    expect(isUnwritable(error)).toBe(false);
    const down = new DrizzleQueryError("select ?", ["SQLITE_ERROR"], new Error("D1_ERROR: Network connection lost."));
    expect(isDatabaseOutage(down)).toBe(true);
  });

  test("[O36] nor logged", () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    log({ event: "wake.failed", printer: "1", error: new DrizzleQueryError("select ?", ["secret"]) });
    expect(logged.mock.calls).toEqual([[expect.not.stringContaining("secret")]]);
    logged.mockRestore();
  });
});

test("[O36] within gives what comes in time", async () => {
  expect(await within(1_000, Promise.resolve(5))).toBe(5);
  await expect(within(1_000, Promise.reject(lost()))).rejects.toThrow("Failed query");
});

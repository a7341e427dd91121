/** The printers' list as SQL: one query, whatever the number of rows, and no table read from end to end. */
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { app } from "../../src/app.ts";
import { connect } from "../../src/db/client.ts";
import { listPrinters } from "../../src/db/printers.ts";
import { printers } from "../../src/db/schema/printers.ts";
import { DEFAULT_CONFIGURATION } from "../../src/domain/configuration.ts";
import { makeAccount, ORIGIN } from "../support/api.ts";
import { meter, scannedTables } from "../support/metered.ts";

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
  test.each([0, 1, 300])(
    "[O37] [O38] %i printers are one round trip after the one that authenticates",
    async (count) => {
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
      // Authentication, the list, and once a day the note that the token was used.
      expect(take()).toEqual({ roundTrips: 3, rowsWritten: 1 });
    },
  );

  test("[O38] its plan searches every table by an index", async () => {
    const { userId } = await accountWith(1);
    const { database, statements } = meter(env.DB);
    for (const withArchived of [true, false]) {
      await listPrinters(connect(database), { userId, withArchived, start: 0, limit: null }, Date.now());
    }
    expect(statements).toHaveLength(2);
    expect(await scannedTables(env.DB, statements)).toEqual([]);
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

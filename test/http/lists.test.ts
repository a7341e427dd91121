/** What lists cost: one round trip to D1 after the one that authenticates, whatever their length. */
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { makePrinterOf } from "../support/api.ts";
import { insertPrints, observed, printOf, scansOf } from "../support/history.ts";
import { parametersOf, pathOf, ROUTES } from "../support/routes.ts";
import { makeStock, type Stock } from "../support/stock.ts";
import { callWith } from "../support/worker.ts";

const QUERY = "from_date=2000-01-01&to_date=2100-01-01&timezone=UTC&group_by=year&limit=500&with_archived=true";

/** Every GET that needs no id; what one of them needs the others ignore. */
const LISTS = ROUTES.filter(
  (spec) => spec.method === "GET" && spec.access === "read" && parametersOf(spec).length === 0,
).map((spec) => ({ path: spec.path, url: `${pathOf(spec, {})}?${QUERY}` }));

async function grow(stock: Stock, rows: number): Promise<void> {
  const printer = { id: Number(stock.ids.printerId), userId: stock.userId };
  await insertPrints(Array.from({ length: rows }, () => printOf(printer)));
  for (let n = 0; n < rows / 10; n += 1) await makePrinterOf(stock);
}

test("[O38] lists are found", () => {
  expect(LISTS.map(({ path }) => path)).toEqual(
    expect.arrayContaining(["/api/v1/printers", "/api/v1/prints", "/api/v1/printer_events", "/api/v1/api_tokens"]),
  );
});

test.each(LISTS)("[O38] $path: two round trips, short or long, and no table read from end to end", async ({ url }) => {
  const stock = await makeStock();
  const ask = () => observed((DB) => callWith({ DB }, "GET", url, stock));
  // The day's first use of a token is noted.
  await callWith(env, "GET", url, stock);
  const short = await ask();
  await grow(stock, 40);
  const long = await ask();
  expect([short.value.status, long.value.status]).toEqual([200, 200]);
  expect(short.roundTrips).toBeLessThanOrEqual(2);
  expect(long.roundTrips).toBe(short.roundTrips);
  expect(scansOf(long.plan)).toEqual([]);
});

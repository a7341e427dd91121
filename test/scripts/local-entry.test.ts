/** What stands before the Worker on this machine: its counters of calls. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { localEntry } from "../../scripts/local-entry.ts";

interface Entry {
  readonly default: { fetch(request: Asked, env: object, ctx: object): Promise<unknown> };
}

/** What the runtime gives; no `Request` outside it may be a GET and have a body. */
interface Asked {
  readonly method?: string;
  readonly body: ReadableStream | null;
}

function dataUrl(text: string): string {
  return `data:text/javascript,${encodeURIComponent(text)}`;
}

/** The entry before a Worker that answers with what its counter says of the key `a`, and of `b`. */
async function openEntry(limit: number): Promise<() => Promise<unknown>> {
  const worker = `export default { fetch: async (_, env) =>
    [(await env.CALLS.limit({ key: "a" })).success, (await env.CALLS.limit({ key: "b" })).success, env.KEPT] };`;
  const limits = { CALLS: { type: "ratelimit" as const, namespace_id: "1", simple: { limit, period: 60 as const } } };
  const text = localEntry(limits).replaceAll('"./worker.js"', JSON.stringify(dataUrl(worker)));
  const entry: Entry = await import(dataUrl(text));
  return () => entry.default.fetch({ body: null }, { KEPT: 7 }, {});
}

afterEach(() => {
  vi.useRealTimers();
});

test.each(["GET", "HEAD"])("[R80] a %s with a body is the Worker's as without one", async (method) => {
  const worker = "export default { fetch: async (request) => request.method };";
  const text = localEntry({}).replaceAll('"./worker.js"', JSON.stringify(dataUrl(worker)));
  const entry: Entry = await import(dataUrl(text));
  const { body } = new Response("{}");
  expect(await entry.default.fetch({ method, body }, {}, {})).toBe(method);
  expect(body?.locked).toBe(false);
});

describe("the counters of calls", () => {
  test("[R36] let as many pass as wrangler.toml says, each key by itself, and leave the other bindings", async () => {
    const call = await openEntry(2);
    expect(await call()).toEqual([true, true, 7]);
    expect(await call()).toEqual([true, true, 7]);
    expect(await call()).toEqual([false, false, 7]);
  });

  test("[R36] begin anew with the next period", async () => {
    const start = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: start });
    const call = await openEntry(1);
    await call();
    vi.setSystemTime(start + 59_999);
    expect(await call()).toEqual([false, false, 7]);
    vi.setSystemTime(start + 60_000);
    expect(await call()).toEqual([true, true, 7]);
  });
});

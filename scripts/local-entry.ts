/**
 * The module that the runtime enters on this machine, before `worker.js`. Cloudflare's edge reads a body to its end whatever the
 * Worker does with it; the runtime by itself closes the connection on the rest, and with it on the answer that is on its way.
 * Calls are counted in memory, as there: the simulator's counters write to the disk with every call.
 */
import type { V4WorkerOptionsShape } from "miniflare";

/** By the names of their bindings. */
type Limits = NonNullable<V4WorkerOptionsShape["ratelimits"]>;

/** The module's text, which takes the place of the simulator's counters for `limits`. */
export function localEntry(limits: Limits): string {
  return `const LIMITS = ${JSON.stringify(limits)};${ENTRY}`;
}

const ENTRY = `
import worker from "./worker.js";
export * from "./worker.js";

class Counter {
  #limit;
  #periodMs;
  #counts = new Map();
  #endsAt = 0;

  constructor({ limit, period }) {
    this.#limit = limit;
    this.#periodMs = period * 1000;
  }

  async limit({ key }) {
    const now = Date.now();
    if (now >= this.#endsAt) {
      this.#counts.clear();
      this.#endsAt = now + this.#periodMs;
    }
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return { success: count <= this.#limit };
  }
}

const counters = Object.fromEntries(Object.entries(LIMITS).map(([name, { simple }]) => [name, new Counter(simple)]));
let bindings = null;

async function fetch(request, env, ctx) {
  bindings ??= { ...env, ...counters };
  return answer(request, bindings, ctx);
}

async function answer(request, env, ctx) {
  const { body } = request;
  if (body === null) return worker.fetch(request, env, ctx);
  // No request may be made anew with both, and no route looks at such a body.
  if (request.method === "GET" || request.method === "HEAD") {
    await body.pipeTo(new WritableStream()).catch(() => {});
    return worker.fetch(request, env, ctx);
  }
  const { readable, writable } = new IdentityTransformStream();
  const passed = pass(body, writable);
  const response = await worker.fetch(new Request(request, { body: readable }), env, ctx);
  if (!readable.locked) await readable.cancel();
  await passed;
  return response;
}

async function pass(body, writable) {
  const writer = writable.getWriter();
  let isWanted = true;
  const unwanted = () => {
    isWanted = false;
  };
  try {
    for await (const chunk of body) if (isWanted) await writer.write(chunk).catch(unwanted);
    await writer.close().catch(unwanted);
  } catch (error) {
    await writer.abort(error).catch(unwanted);
  }
}

export default { ...worker, fetch };
`;

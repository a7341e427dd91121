/** D1 as it behaves in an outage. Worker, objects and tests share one binding, so this is an outage for all of them. */
import { env } from "cloudflare:workers";
import { type Meter, meter } from "./metered.ts";

/**
 * `refusing`: errors as D1 gives them; `silent`: no answer until the end, and then none; `slow`: none until the end, and then the
 * right one; `forgetful`: it writes, but its answer gets lost.
 */
export type Outage = "refusing" | "silent" | "slow" | "forgetful";

const GONE = () => Promise.reject(new Error("D1_ERROR: Network connection lost."));

type Methods = Pick<D1Database, "prepare" | "batch">;

function replace(methods: Partial<Methods>): () => void {
  const { prepare, batch } = env.DB;
  Object.assign(env.DB, methods);
  return () => Object.assign(env.DB, { prepare, batch });
}

/** Until the function that comes back is called. Anything through the test's own client fails meanwhile too. */
export function breakDatabase(outage: Outage): () => void {
  const { batch } = env.DB;
  if (outage === "forgetful") {
    return replace({
      batch: async (statements) => {
        await batch.call(env.DB, statements);
        return GONE();
      },
    });
  }
  let isDown = true;
  // Each call looks for itself: a promise of one object's call cannot be settled by another's.
  const passed = async () => {
    while (isDown) await scheduler.wait(5);
  };
  const wait = () => passed().then(GONE);
  if (outage === "slow") {
    const prepare = env.DB.prepare.bind(env.DB);
    const late = (statement: D1PreparedStatement): D1PreparedStatement => {
      const first = async () => passed().then(() => statement.first());
      // safe: the only methods that single statements of the hot paths use
      return Object.assign(Object.create(statement), { first, bind: (...v: unknown[]) => late(statement.bind(...v)) });
    };
    const undo = replace({
      prepare: (query) => late(prepare(query)),
      batch: async (statements) => {
        await passed();
        return batch.call(env.DB, statements.map(Object.getPrototypeOf)) as never; // safe: the statements themselves
      },
    });
    return () => {
      undo();
      isDown = false;
    };
  }
  const fail = outage === "refusing" ? GONE : wait;
  const statement = { all: fail, run: fail, raw: fail, first: fail };
  // safe: whoever prepares a statement binds and runs it
  const bound = { ...statement, bind: () => statement } as unknown as D1PreparedStatement;
  const undo = replace({ prepare: () => bound, batch: fail });
  return () => {
    undo();
    isDown = false;
  };
}

/** Batches that ran, and how many of them at the same time at most; each takes a moment. */
export function watchBatches() {
  const seen = { batches: 0, atOnce: 0 };
  const { batch } = env.DB;
  let running = 0;
  const undo = replace({
    batch: async (statements) => {
      seen.batches += 1;
      running += 1;
      seen.atOnce = Math.max(seen.atOnce, running);
      await scheduler.wait(5);
      return batch.call(env.DB, statements).finally(() => {
        running -= 1;
      }) as never; // safe: the same statements give the same results
    },
  });
  return { seen, undo };
}

/** Counts what Worker and objects ask of D1 until `undo`. */
export function meterDatabase(): Pick<Meter, "take" | "statements"> & { readonly undo: () => void } {
  const prepare = env.DB.prepare.bind(env.DB);
  const batch = env.DB.batch.bind(env.DB);
  const { database, take, statements } = meter({ prepare, batch } as unknown as D1Database); // safe: no other method is called
  const undo = replace({ prepare: (query) => database.prepare(query), batch: (all) => database.batch(all) });
  return { take, statements, undo };
}

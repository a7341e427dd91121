/** Entity tags of printers: whatever can be seen is told by them. */
import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import { gCodeFiles } from "../../../src/db/schema/g-code.ts";
import { prints } from "../../../src/db/schema/history.ts";
import { printers } from "../../../src/db/schema/printers.ts";
import { type Account, call, connectAgentOf, makeAccount, makePrinterOf, makeToken } from "../../support/api.ts";
import { frame } from "../../support/frames.ts";
import { observed } from "../../support/history.ts";
import { db, projected, type ScriptedAgent } from "../../support/printer.ts";
import { fc } from "../../support/random.ts";
import { uploaded } from "../../support/upload.ts";
import { callWith } from "../../support/worker.ts";

const T = 1_790_000_100;
const THIN = "?fields=id,name,presence,current_print";

interface Bench {
  readonly account: Account;
  readonly id: number;
  readonly path: string;
  readonly fileId: number;
  readonly agent: ScriptedAgent;
}

async function bench(): Promise<Bench> {
  const account = await makeAccount();
  const printer = await makePrinterOf(account);
  const { id: fileId } = await uploaded(account);
  const agent = await connectAgentOf(printer);
  return { account, id: printer.id, path: `/api/v1/printers/${printer.id}/`, fileId, agent };
}

// biome-ignore lint/suspicious/noExplicitAny: the body of any of these calls
function steady(body: any): unknown {
  if (Array.isArray(body)) return body.map(steady);
  return { ...body, presence: { ...body.presence, last_seen_at: null, status_age_ms: null } };
}

/** Says something, unless its token was rotated, and waits until it was taken in. */
async function say({ agent }: Bench, ...frames: readonly object[]): Promise<void> {
  if (agent.closed !== null) return;
  for (const said of frames) agent.send(said);
  await agent.settled();
}

describe("an entity tag", () => {
  /** What a person, an agent or the machine may do, each with a word that makes it another one each time. */
  const ACTIONS: Readonly<Record<string, (bench: Bench, word: number) => Promise<unknown>>> = {
    rename: ({ account, path }, word) => call("PATCH", path, { ...account, body: { name: `N${word}` } }),
    configure: ({ account, path }, word) => call("PATCH", path, { ...account, body: { lift_z_on_pause: word / 7 } }),
    mute: ({ account, path }, word) => call("POST", `${path}mute_current_print/?mute_alert=${word % 2 === 0}`, account),
    status: (made, word) => {
      const said = frame({ ts: T, temperature: 100 + word * 10 });
      const job = { file: { name: "hook.gcode", obico_g_code_file_id: made.fileId } };
      return say(made, { ...said, status: { ...(said.status as object), job } });
    },
    small: (made, word) => say(made, frame({ ts: T, temperature: 200 + word / 100 })),
    burst: (made, word) =>
      say(made, ...[0, 9, 18].map((more) => frame({ ts: -1, text: "Operational", temperature: word + more }))),
    settings: (made, word) => say(made, { settings: { octoprint_version: String(word) } }),
    end: (made) => say(made, frame({ ts: T, text: "Operational", event: "PrintDone" })),
    start: ({ account, path }, word) =>
      call("POST", `${path}start_print/`, { ...account, body: { filename: `${word}` } }),
    rotate: async ({ account, path, agent }) => {
      await call("POST", `${path}rotate_token/`, account);
      await agent.untilClosed();
    },
    file: ({ account, fileId }, word) =>
      call("PATCH", `/api/v1/g_code_files/${fileId}/`, { ...account, body: { filename: `f${word}.gcode` } }),
    edit: ({ id }, word) =>
      db
        .update(prints)
        .set({ filamentUsed: word / 3, alertOverwrite: "FAILED" })
        .where(eq(prints.printerId, id)),
    folder: ({ fileId }, word) =>
      db.update(gCodeFiles).set({ deletedAt: word, url: null }).where(eq(gCodeFiles.id, fileId)),
    stale: ({ id }, word) =>
      db
        .update(printers)
        .set({ disconnectedAt: Date.now() - word, revision: 100_000 + word })
        .where(eq(printers.id, id)),
  };

  test("[H16] tells everything that is shown: what has the same one is the same but for the clock", async () => {
    const steps = fc.array(
      fc.record({ action: fc.constantFrom(...Object.keys(ACTIONS)), word: fc.nat({ max: 90_000 }) }),
      {
        minLength: 4,
        maxLength: 14,
      },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const made = await bench();
        const reader = await makeToken(made.account.userId, { canWrite: false });
        const seen = new Map<string, unknown>();
        for (const { action, word } of [{ action: "status", word: 1 }, ...all]) {
          await ACTIONS[action]?.(made, word);
          await projected(made.id);
          for (const url of [made.path, "/api/v1/printers/", `/api/v1/printers/${THIN}`, `${made.path}${THIN}`]) {
            for (const token of [made.account.token, reader]) {
              const { headers, body } = await call("GET", url, { token });
              const key = `${url} ${headers.get("ETag")}`;
              expect([action, steady(body)]).toEqual([action, seen.get(key) ?? steady(body)]);
              seen.set(key, steady(body));
            }
          }
        }
      }),
      { numRuns: 12 },
    );
  });

  test("[H16] is the same while nothing changes but the clock, and answers 304 without a body", async () => {
    const { account, id, path, agent } = await bench();
    agent.send(frame({ ts: T }));
    await agent.settled();
    await projected(id);
    for (const url of [
      path,
      "/api/v1/printers/",
      `${path}${THIN}`,
      `/api/v1/printers/${THIN}`,
      "/api/v1/printers/?start=9",
    ]) {
      const { headers } = await call("GET", url, account);
      const tag = headers.get("ETag") ?? "";
      expect(tag).toMatch(/^W\/"[0-9a-z]+"$/);
      for (const held of [tag, tag.replace("W/", ""), `"x", ${tag}`, "*"]) {
        const again = await call("GET", url, { ...account, headers: { "If-None-Match": held } });
        expect([again.status, again.body, again.headers.get("ETag")]).toEqual([304, null, tag]);
      }
      const other = await call("GET", url, { ...account, headers: { "If-None-Match": '"x"' } });
      expect(other.status).toBe(200);
    }
  });

  test("[H16] of the list is another one once other keys sign the tokens in it, whatever they are called", async () => {
    const account = await makeAccount();
    await makePrinterOf(account);
    const tags = [];
    for (const fill of [1, 2]) {
      const key = btoa(String.fromCharCode(...new Uint8Array(32).fill(fill))).replaceAll("=", "");
      const { headers } = await callWith({ AGENT_KEYS: `k1:${key}` }, "GET", "/api/v1/printers/", account);
      tags.push(headers.get("ETag"));
    }
    expect(new Set(tags).size).toBe(2);
  });

  test("[H16] [O38] 304 costs what the list costs", async () => {
    const { account } = await bench();
    const tag = (await callWith(env, "GET", "/api/v1/printers/", account)).headers.get("ETag") ?? "";
    const { value, roundTrips } = await observed((DB) =>
      callWith({ DB }, "GET", "/api/v1/printers/", { ...account, headers: { "If-None-Match": tag } }),
    );
    expect([value.status, roundTrips]).toEqual([304, 1]);
  });
});

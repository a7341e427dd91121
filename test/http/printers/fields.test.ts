/** `fields`: of a printer only what is asked for. */
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { PRINTER_KEYS, PrinterJson } from "../../../src/http/json/printer.ts";
import { type Account, call, connectAgentOf, makeAccount, makePrinterOf, makeToken } from "../../support/api.ts";
import { frame, MOONRAKER } from "../../support/frames.ts";
import { observed } from "../../support/history.ts";
import { projected } from "../../support/printer.ts";
import { fc } from "../../support/random.ts";
import { callWith } from "../../support/worker.ts";

const T = 1_790_000_100;

/** A printer that prints a file, of which every key says something. */
async function printing(account: Account, name = "Bench"): Promise<number> {
  const printer = await makePrinterOf(account, { name });
  const agent = await connectAgentOf(printer);
  agent.send({
    ...frame({ ts: T, event: "PrintStarted" }),
    settings: { ...MOONRAKER.settings, octoprint_version: "1" },
  });
  await agent.settled();
  await projected(printer.id);
  return printer.id;
}

/** Both calls that take `fields`, each as its printer. */
async function shown(account: Account, id: number, query: string) {
  const one = await call("GET", `/api/v1/printers/${id}/?${query}`, account);
  const list = await call("GET", `/api/v1/printers/?${query}`, account);
  return [one.body, list.body[0]];
}

const keysOf = (bodies: readonly object[]) => bodies.map((body) => Object.keys(body).sort());

describe("fields", () => {
  test("[H60] leave those keys and the id, with the values that the whole printer has", async () => {
    const account = await makeAccount();
    const id = await printing(account);
    const [one, listed] = await shown(account, id, "");
    expect(keysOf([one, listed])).toEqual([[...PRINTER_KEYS].sort(), [...PRINTER_KEYS].sort()]);
    const clockless = ({ presence, ...rest }: Record<string, unknown>) =>
      presence === undefined ? rest : { ...rest, presence: { ...presence, last_seen_at: null, status_age_ms: null } };
    const some = fc.uniqueArray(fc.constantFrom(...PRINTER_KEYS), { minLength: 1 });
    const each = PRINTER_KEYS.map((key): [typeof PRINTER_KEYS] => [[key]]);
    await fc.assert(
      fc.asyncProperty(some, async (keys) => {
        const only = (whole: Record<string, unknown>) =>
          clockless(Object.fromEntries(["id", ...keys].map((key) => [key, whole[key]])));
        const bodies = await shown(account, id, `fields=${keys.join(",")}`);
        expect(bodies.map(clockless)).toEqual([only(one), only(listed)]);
      }),
      { examples: each, numRuns: each.length + 20 },
    );
  });

  test("[H60] may be named twice, with spaces, in several texts, or not at all", async () => {
    const account = await makeAccount();
    const id = await printing(account);
    for (const query of ["fields=name,name,%20status%20", "fields=name&fields=status", "fields=,name,,status,"]) {
      expect(keysOf(await shown(account, id, query))).toEqual([
        ["id", "name", "status"],
        ["id", "name", "status"],
      ]);
    }
    for (const query of ["fields=", "fields=id", "fields=%20,"]) {
      expect(await shown(account, id, query)).toEqual([{ id }, { id }]);
    }
  });

  test("[H60] an unknown one is 400 and named, after 401 and 403", async () => {
    const account = await makeAccount();
    const { id } = await makePrinterOf(account);
    const writer = await makeToken(account.userId, { canRead: false });
    for (const path of [`/api/v1/printers/${id}/`, "/api/v1/printers/"]) {
      const { status, body } = await call("GET", `${path}?fields=name,Name,__proto__,presence.state`, account);
      const sentences = ["Name", "__proto__", "presence.state"].map((name) => `"${name}" is not a valid choice.`);
      expect([status, body.errors]).toEqual([400, { fields: sentences }]);
      const many = Array.from({ length: 2000 }, (_, place) => place).join();
      expect((await call("GET", `${path}?fields=${many}`, account)).body.errors.fields).toHaveLength(20);
      expect((await call("GET", `${path}?fields=x`, {})).status).toBe(401);
      expect((await call("GET", `${path}?fields=x`, { token: writer })).status).toBe(403);
    }
    expect((await call("GET", `/api/v1/printers/${id + 1_000_000}/?fields=x`, account)).status).toBe(404);
  });

  test("[H60] go with the page and with archived printers", async () => {
    const account = await makeAccount();
    const ids: number[] = [];
    for (const name of ["a", "b", "c"]) ids.push((await makePrinterOf(account, { name })).id);
    await call("POST", `/api/v1/printers/${ids[1]}/archive/`, account);
    const named = async (query: string) => (await call("GET", `/api/v1/printers/?fields=name${query}`, account)).body;
    const [a, b, c] = ["a", "b", "c"].map((name, index) => ({ id: ids[index], name }));
    expect(await named("")).toEqual([a, c]);
    expect(await named("&with_archived=1")).toEqual([a, b, c]);
    expect(await named("&with_archived=1&start=1&limit=1")).toEqual([b]);
    const path = `/api/v1/printers/${ids[1]}/?fields=name`;
    expect((await call("GET", path, account)).status).toBe(404);
    expect((await call("GET", `${path}&with_archived=t`, account)).body).toEqual(b);
  });

  test("[H60] the token is null for a caller without `write` there too", async () => {
    const account = await makeAccount();
    const { id } = await makePrinterOf(account);
    const token = await makeToken(account.userId, { canWrite: false });
    expect(await shown({ ...account, token }, id, "fields=auth_token")).toEqual([
      { id, auth_token: null },
      { id, auth_token: null },
    ]);
  });

  test("[H60] what a list does not show is not read", async () => {
    const account = await makeAccount();
    await printing(account);
    await callWith(env, "GET", "/api/v1/printers/", account);
    const asked = async (fields: string) => {
      const { statements } = await observed((DB) =>
        callWith({ DB }, "GET", `/api/v1/printers/?fields=${fields}`, account),
      );
      const texts = statements.join("\n");
      return ["settings", "printer_live", '"status"', '"prints"', '"g_code_files"'].filter((word) =>
        texts.includes(word),
      );
    };
    expect(await asked("name")).toEqual([]);
    expect(await asked("id,name,presence,current_print")).toEqual(["printer_live", '"prints"', '"g_code_files"']);
    expect(await asked("status")).toEqual(["printer_live", '"status"']);
    expect(await asked("settings")).toEqual(["settings"]);
  });

  test("[H60] the description tells of the keys, and that any but the id may be absent", async () => {
    const { body } = await call("GET", "/openapi.json");
    const list = body.paths["/api/v1/printers/"].get;
    const { schema } = list.parameters.find(({ name }: { name: string }) => name === "fields");
    expect(schema).toMatchObject({ type: "array", items: { enum: Object.keys(PrinterJson.shape) } });
    const refs = ["Printer", "PartialPrinter"].map((id) => ({ $ref: `#/components/schemas/${id}` }));
    expect(list.responses[200].content["application/json"].schema).toMatchObject({
      type: "array",
      items: { anyOf: refs },
    });
    const { required, properties } = body.components.schemas.PartialPrinter;
    expect([required, Object.keys(properties).sort()]).toEqual([["id"], [...PRINTER_KEYS].sort()]);
  });
});

/** What URLs begin with that are handed out: the public origin, the proxy's, or the call's own. */
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { app } from "../../../src/app.ts";
import { type Account, call, makeAccount, makePrinterOf, ORIGIN } from "../../support/api.ts";
import { frame, MOONRAKER } from "../../support/frames.ts";
import { ScriptedAgent } from "../../support/printer.ts";
import { GCODE_TEXT, uploaded } from "../../support/upload.ts";
import { callWith } from "../../support/worker.ts";

type Vars = Parameters<typeof callWith>[0];

const FORWARDED = { "X-Forwarded-Proto": "https", "X-Forwarded-Host": "outside.test" };

/** All URLs that callers are handed, but for the agents'. */
async function handedOut(vars: Vars, headers: Readonly<Record<string, string>>, account: Account): Promise<string[]> {
  const address = { "CF-Connecting-IP": `10.${account.userId >> 8}.${account.userId & 255}.7` };
  const ask = async (method: string, path: string, options = {}) => {
    const answer = await callWith(vars, method, path, {
      token: account.token,
      headers: { ...headers, ...address },
      ...options,
    });
    expect([path, answer.status < 300]).toEqual([path, true]);
    return answer;
  };
  const file = new FormData();
  file.set("filename", "a.gcode");
  file.set("file", new File([GCODE_TEXT], "a.gcode"));
  const made = [
    await ask("POST", "/api/v1/printers/", { body: { name: "x" } }),
    await ask("POST", "/api/v1/g_code_files/", { raw: file }),
    await ask("POST", "/api/v1/g_code_folders/", { body: { name: crypto.randomUUID() } }),
  ];
  await ask("POST", "/api/v1/g_code_files/", { raw: file });
  const { body: page } = await ask("GET", "/api/v1/g_code_files?page_size=1&page=1&q=a%26b%C3%BC");
  const { body: first } = await ask("GET", "//api/v1/g_code_files/?page_size=1");
  const { body: second } = await ask("GET", "/api/v1/g_code_files/?page_size=1&page=2");
  expect(page.next).toBeNull();
  const { body: index } = await ask("GET", "/");
  const { body: description } = await ask("GET", "/openapi.json");
  const poll = { device_id: crypto.randomUUID().replaceAll("-", ""), one_time_passcode: "" };
  const { body: polled } = await ask("POST", "/api/v1/octo/unlinked/", { body: poll });
  const { body: docs } = await ask("GET", "/docs");
  const { body: link } = await ask("GET", "/app/");
  return [
    ...made.map(({ headers: answered }) => answered.get("Location")),
    ...[made[1]?.body.url, first.results[0].url, first.next, second.previous],
    ...[index.docs, index.openapi, index.health, `${description.servers[0].url}/`, polled.one_time_passlink],
    ...[...`${docs}${link}`.matchAll(/https?:\/\/[^\s"<]+/g)].map(([url]) => url),
  ].map(String);
}

const BEGINNINGS: readonly (readonly [
  what: string,
  vars: Vars,
  headers: Readonly<Record<string, string>>,
  origin: string,
])[] = [
  ["the call's own origin", {}, {}, ORIGIN],
  ["that, whatever a caller says of a proxy", {}, { ...FORWARDED, "X-Forwarded-Prefix": "/x" }, ORIGIN],
  ["the public origin", { PUBLIC_ORIGIN: "https://public.test" }, FORWARDED, "https://public.test"],
  ["the public origin with its path", { PUBLIC_ORIGIN: "http://public.test:81/a/b/" }, {}, "http://public.test:81/a/b"],
  ["the proxy's", { TRUST_PROXY: "1" }, FORWARDED, "https://outside.test"],
  [
    "the first proxy's",
    { TRUST_PROXY: "1" },
    { "X-Forwarded-Host": "outside.test:444, inner.test", "X-Forwarded-Proto": "http,https" },
    "http://outside.test:444",
  ],
  [
    "the proxy's with its prefix",
    { TRUST_PROXY: "1" },
    { ...FORWARDED, "X-Forwarded-Prefix": "/printers/" },
    "https://outside.test/printers",
  ],
  ["the proxy's scheme alone", { TRUST_PROXY: "1" }, { "X-Forwarded-Proto": "http" }, ORIGIN.replace("https", "http")],
  ["the call's own, where the proxy says nothing", { TRUST_PROXY: "1" }, {}, ORIGIN],
  [
    "the call's own, where it says nonsense",
    { TRUST_PROXY: "1" },
    { "X-Forwarded-Host": "a b<", "X-Forwarded-Proto": "javascript", "X-Forwarded-Prefix": '"x' },
    ORIGIN,
  ],
  [
    "the public origin before the proxy's",
    { TRUST_PROXY: "1", PUBLIC_ORIGIN: "https://public.test" },
    FORWARDED,
    "https://public.test",
  ],
];

describe("URLs", () => {
  test.each(BEGINNINGS)("[H74] begin with %s", async (_what, vars, headers, origin) => {
    const urls = await handedOut(vars, headers, await makeAccount());
    expect(urls.length).toBeGreaterThan(15);
    expect(urls.filter((url) => !url.startsWith(`${origin}/`) || url.slice(origin.length).startsWith("//"))).toEqual(
      [],
    );
  });

  test("[H74] of a page repeat its query, and lead to it", async () => {
    const account = await makeAccount();
    for (const filename of ["Küche & Co 1.gcode", "Küche & Co 2.gcode"]) await uploaded(account, { filename });
    const { body } = await call("GET", "/api/v1/g_code_files/?q=Co&sorting=filename_asc&page_size=1", account);
    expect(body.next).toBe(`${ORIGIN}/api/v1/g_code_files/?q=Co&sorting=filename_asc&page_size=1&page=2`);
    expect((await call("GET", body.next.slice(ORIGIN.length), account)).body.results[0].filename).toBe(
      "Küche & Co 2.gcode",
    );
  });

  test.each([
    "nonsense",
    "printers.test",
    "ftp://printers.test",
    "https://user@printers.test",
    "https://printers.test/?x=1",
    "https://printers.test/#x",
    "/a",
  ])("[H74] a public origin that is none is not taken silently: %s", async (PUBLIC_ORIGIN) => {
    const { status, body } = await callWith({ PUBLIC_ORIGIN }, "GET", "/health");
    expect([status, body.code]).toEqual([503, "not_configured"]);
    expect(body.detail).toContain("PUBLIC_ORIGIN");
  });
});

describe("an agent's file", () => {
  const DIALLED: readonly (readonly [
    what: string,
    vars: Vars,
    dialled: string,
    headers: Readonly<Record<string, string>>,
    origin: string,
  ])[] = [
    ["where it dialled", {}, "http://192.168.1.5:8787", {}, "http://192.168.1.5:8787"],
    [
      "where it dialled, whatever is public",
      { PUBLIC_ORIGIN: "https://public.test/p" },
      "http://192.168.1.5:8787",
      {},
      "http://192.168.1.5:8787",
    ],
    [
      "under the public path, where it dialled the public origin",
      { PUBLIC_ORIGIN: "https://public.test/p" },
      "https://public.test",
      {},
      "https://public.test/p",
    ],
    [
      "at the proxy that it dialled",
      { TRUST_PROXY: "1" },
      "http://10.0.0.2:8787",
      { ...FORWARDED, "X-Forwarded-Proto": "wss" },
      "https://outside.test",
    ],
    [
      "under the proxy's prefix",
      { TRUST_PROXY: "1" },
      "http://10.0.0.2:8787/",
      { ...FORWARDED, "X-Forwarded-Prefix": "/p" },
      "https://outside.test/p",
    ],
    ["where it dialled, whatever it says of a proxy", {}, "http://10.0.0.2:8787", FORWARDED, "http://10.0.0.2:8787"],
  ];

  test.each(DIALLED)("[H74] lies %s", async (_what, vars, dialled, forwarded, origin) => {
    const account = await makeAccount();
    const printer = await makePrinterOf(account);
    const file = await uploaded(account);
    const headers = { ...forwarded, Upgrade: "websocket", authorization: `bearer ${printer.auth_token}` };
    const { webSocket } = await app.fetch(new Request(`${dialled}/ws/dev/`, { headers }), { ...env, ...vars } as Env);
    if (webSocket === null) throw new Error("no socket");
    const agent = new ScriptedAgent(webSocket);
    agent.send({ ...frame({ ts: -1, text: "Operational", name: null }), ...MOONRAKER });
    await agent.settled();
    const answer = call("POST", `/api/v1/printers/${printer.id}/print_file/`, {
      token: account.token,
      body: { g_code_file_id: file.id },
    });
    const { passthru } = (await agent.next("passthru")) as unknown as {
      passthru: { ref: string; args: [{ url: string }] };
    };
    expect(passthru.args[0].url).toMatch(new RegExp(`^${origin}/files/${file.id}/`));
    agent.send({ passthru: { ref: passthru.ref, ret: { target_path: "x" } } });
    expect((await answer).body.succeeded).toBe(true);
  });
});

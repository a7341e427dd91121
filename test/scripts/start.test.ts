/** The service as a newcomer meets it: started, asked, paused, killed, started again. Nothing here knows the code. */
import { statSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runWrangler, wranglerEnvironment } from "../../scripts/wrangler.ts";
import { call, type Printer } from "./api-client.ts";
import { RawAgent } from "./raw-agent.ts";
import {
  makeFolder,
  RunningServer,
  removeFolders,
  runScript,
  Script,
  shell,
  until,
  untilGone,
} from "./running-server.ts";

const state = makeFolder();
let server: RunningServer;
let token: string;

beforeAll(async () => {
  server = await RunningServer.start(state);
  token = server.token;
});

afterAll(async () => {
  await server?.stop();
  removeFolders();
});

async function printersOf(): Promise<Printer[]> {
  return (await call<Printer[]>(server, token, "GET", "/api/v1/printers/")).body;
}

async function findPrinter(id: number): Promise<Printer> {
  return (await call(server, token, "GET", `/api/v1/printers/${id}/`)).body;
}

function untilText(id: number, text: string): Promise<Printer> {
  return until(`${text} of printer ${id}`, async () => {
    const printer = await findPrinter(id);
    return printer.status?.state.text === text ? printer : undefined;
  });
}

describe("npm start", () => {
  test("[R1] both virtual printers are linked and print, and the summary's lines can be copied", async () => {
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    const printers = await printersOf();
    expect(printers.map((printer) => printer.name)).toEqual(["Virtual Klipper", "Virtual OctoPrint"]);
    for (const printer of printers) {
      expect(printer).toMatchObject({ presence: { state: "online" }, current_print: { ended_at: null } });
    }
    expect(server.script.stderr).toBe("");
    const [list = "", one = "", pause = ""] = server.curlLines().map(shell);
    expect([list, one, pause].map((text) => text.at(-1))).toEqual(["\n", "\n", "\n"]);
    expect((JSON.parse(list) as Printer[]).map(({ id }) => id)).toEqual(printers.map(({ id }) => id));
    expect((JSON.parse(one) as Printer).id).toBe(printers[0]?.id);
    expect(JSON.parse(pause)).toMatchObject({ succeeded: true, command: { state: "succeeded" } });
    await call(server, token, "POST", `/api/v1/printers/${printers[0]?.id}/resume_print/`);
  });

  test("[R2] the demo's token is for its owner's eyes only", () => {
    expect(statSync(path.join(state, "demo-token")).mode & 0o777).toBe(0o600);
  });

  test.each([0, 1])("[R3] POST pause_print pauses virtual printer %i, resume_print goes on", async (index) => {
    const id = (await printersOf())[index]?.id ?? 0;
    await untilText(id, "Printing");
    const paused = await call<{ succeeded: boolean }>(server, token, "POST", `/api/v1/printers/${id}/pause_print/`);
    expect([paused.status, paused.body.succeeded]).toEqual([200, true]);
    const { current_print: print } = await untilText(id, "Paused");
    const resumed = await call<{ succeeded: boolean }>(server, token, "POST", `/api/v1/printers/${id}/resume_print/`);
    expect(resumed.body.succeeded).toBe(true);
    expect((await untilText(id, "Printing")).current_print?.id).toBe(print?.id);
  });
});

describe("an agent on a bare socket", () => {
  async function makePrinter(name: string): Promise<Printer> {
    const answer = await call(server, token, "POST", "/api/v1/printers/", { name });
    expect(answer.status).toBe(201);
    return answer.body;
  }

  test("[R4] links by token, reports a print, is told to pause, and REST shows that it did", async () => {
    const { id, auth_token } = await makePrinter("Bare");
    const agent = await RawAgent.connect(server.url, auth_token);
    const ts = Math.floor(Date.now() / 1000);
    agent.report(ts, "Printing", "PrintStarted");
    await untilText(id, "Printing");
    const answer = call<{ succeeded: boolean }>(server, token, "POST", `/api/v1/printers/${id}/pause_print`);
    const frame = await agent.next("commands", "passthru");
    expect(frame.commands).toEqual([expect.objectContaining({ cmd: "pause", args: expect.any(Object) })]);
    const { ref } = frame.passthru as { ref: string };
    agent.send({ passthru: { ref, error: "Request not supported" } });
    expect((await answer).body.succeeded).toBe(true);
    agent.report(ts, "Pausing");
    agent.report(ts, "Pausing", "PrintPaused");
    agent.report(ts, "Paused");
    expect((await untilText(id, "Paused")).current_print).not.toBeNull();
    agent.close();
  });

  test("[R5] frames of no use get an error or a close after which it may come back; state and log stay clean", async () => {
    const { id, auth_token } = await makePrinter("Babbler");
    const agent = await RawAgent.connect(server.url, auth_token);
    const ts = Math.floor(Date.now() / 1000);
    agent.report(ts, "Printing", "PrintStarted");
    await untilText(id, "Printing");
    const before = (await findPrinter(id)).current_print;
    const useless = ["{", "[]", "7", `${"[".repeat(20_000)}`, `{"a":${'{"a":'.repeat(40)}1${"}".repeat(41)}`];
    for (const text of [...useless, JSON.stringify({ current_print_ts: -1, status: "Printing" }).slice(0, -1)]) {
      agent.sendText(text);
      expect(await agent.next("error")).toMatchObject({ error: { code: "invalid_frame" } });
    }
    agent.send({ current_print_ts: "7", status: 7, event: [], settings: "x" });
    expect(await agent.next("error")).toMatchObject({ error: { code: "invalid_frame" } });
    const closed = agent.closed();
    agent.sendText("x".repeat(40 * 1024 * 1024));
    expect([1009, 1006]).toContain(await closed);
    const again = await RawAgent.connect(server.url, auth_token);
    again.report(ts, "Printing");
    await until("the agent back online", async () =>
      (await findPrinter(id)).presence.state === "online" ? true : undefined,
    );
    expect((await findPrinter(id)).current_print).toEqual(before);
    again.close();
    for (const secret of [auth_token, token]) expect(server.script.stderr).not.toContain(secret);
  });

  test("[R4] a token that is none is refused", async () => {
    await expect(RawAgent.connect(server.url, "f00dfeed")).rejects.toThrow("401");
  });

  test("[R6] [R67] everything killed in mid-print: a new start builds nothing, has the same prints, and they go on", async () => {
    const { id, auth_token } = await makePrinter("Survivor");
    const before = await RawAgent.connect(server.url, auth_token);
    const ts = Math.floor(Date.now() / 1000);
    before.report(ts, "Printing", "PrintStarted");
    await untilText(id, "Printing");
    const printing = (await printersOf()).map((printer) => [printer.id, printer.current_print?.id]);
    await server.killTree();
    before.close();
    server = await RunningServer.start(state);
    expect(server.token).toBe(token);
    expect(server.script.stdout).not.toContain("Building");
    expect((await printersOf()).map((printer) => [printer.id, printer.current_print?.id])).toEqual(printing);
    const after = await RawAgent.connect(server.url, auth_token);
    after.report(ts, "Printing");
    await until("the socket's report", async () => {
      return (await findPrinter(id)).presence.state === "online" ? true : undefined;
    });
    expect((await findPrinter(id)).current_print).toMatchObject({
      id: printing.find(([printer]) => printer === id)?.[1],
      ended_at: null,
    });
    after.close();
  });
});

describe("a body that nobody wants", () => {
  const large = new Uint8Array(5_000_000);

  test.each([
    { status: 401, what: "of a stranger", authorization: () => "Bearer plt_nobody" },
    { status: 413, what: "that is too long", authorization: () => `Bearer ${token}` },
  ])("[R33] $what gets its answer: $status", async ({ status, authorization }) => {
    const headers = { Authorization: authorization(), "Content-Type": "application/json" };
    const post = () => fetch(`${server.url}/api/v1/printers/`, { method: "POST", headers, body: large });
    const answers = await Promise.all(Array.from({ length: 10 }, post));
    expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => status));
  });
});

describe("the state folder", () => {
  test("[R31] a second server on it is one line and exit code 1", async () => {
    const { code, stdout, stderr } = await runScript("start.ts", "--port", "0", "--state", state);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(
      new RegExp(`^A server runs on ${state} already: ${server.url}, process ${server.script.pid}\\. .*--state\\.\n$`),
    );
  });

  test("[R32] wrangler finds every migration applied", async () => {
    const args = ["d1", "migrations", "list", "DB", "--local", "--persist-to", state];
    const { ok, stdout } = await runWrangler(args, wranglerEnvironment(state));
    expect([ok, stdout]).toEqual([true, expect.stringContaining("No migrations to apply!")]);
  });
});

describe("npm run token", () => {
  test("[R11] a token made while the server runs is good at once, and revoked at once", async () => {
    const made = await runScript("token.ts", "--email", "you@example.com", "--name", "O'Brien's; --", "--state", state);
    expect(made).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^plt_[\w-]{43}\n$/) });
    const fresh = made.stdout.trim();
    expect((await call(server, fresh, "GET", "/api/v1/users/me/")).status).toBe(200);
    expect((await call<Printer[]>(server, fresh, "GET", "/api/v1/printers/")).body).toEqual([]);
    const list = await runScript("token.ts", "--list", "--email", "you@example.com", "--state", state);
    expect(list.stdout).toMatch(/^\d+ {2}you@example.com {2}O'Brien's; -- {2}read,write /);
    expect(list.stdout).not.toContain(fresh);
    const [id = ""] = list.stdout.split(" ");
    const revoked = await runScript("token.ts", "--revoke", id, "--state", state);
    expect(revoked).toEqual({ code: 0, stderr: "", stdout: `Token ${id} is revoked.\n` });
    expect((await call(server, fresh, "GET", "/api/v1/users/me/")).status).toBe(401);
    expect(await runScript("token.ts", "--revoke", id, "--state", state)).toEqual(revoked);
  });

  test("[R11] a revocation that the service does not hear of says so, and may be repeated", async () => {
    const idle = makeFolder();
    await runScript("token.ts", "--email", "you@example.com", "--state", idle);
    const unheard = await runScript("token.ts", "--revoke", "1", "--state", idle);
    expect(unheard).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("No server runs") });
    const nobody = await runScript("token.ts", "--revoke", "1", "--url", "http://127.0.0.1:1", "--state", idle);
    expect(nobody).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("run this again") });
    const unknown = await runScript("token.ts", "--revoke", "9", "--state", idle);
    expect(unknown).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("no token 9") });
  });

  test.each([
    ["--email", "nobody"],
    ["--email", "a@b", "--scopes", "admin"],
    ["--email", "a@b", "--expires", "soon"],
    ["--unknown"],
    [],
  ])("[R8] bad flags are one line and exit code 2: %s %s %s %s", async (...args) => {
    const { code, stdout, stderr } = await runScript("token.ts", ...args, "--state", state);
    expect([code, stdout, stderr.split("\n").length]).toEqual([2, "", 2]);
  });
});

describe("npm run simulate", () => {
  test("[R13] its printers print on the running server and end with a summary", async () => {
    const flags = ["--token", token, "--url", server.url, "--printers", "4", "--speed", "60", "--seed", "7"];
    const script = new Script("simulate.ts", flags);
    await script.shown("four printers of which one prints", /4 linked, [1-9]\d* printing/);
    script.send("SIGINT");
    const { code, stdout, stderr } = await script.finished;
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/[1-9]\d* prints started: .* frames sent\.\n$/);
    const names = (await printersOf()).map((printer) => printer.name);
    expect(names).toEqual(expect.arrayContaining([1, 2, 3, 4].map((index) => `Virtual printer ${index}`)));
  });

  test("[R13] it ends by itself when its time is over", async () => {
    const flags = ["--token", token, "--url", server.url, "--printers", "1", "--duration", "1s"];
    const { code, stdout, stderr } = await runScript("simulate.ts", ...flags);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/\d+ prints started: .* frames sent\.\n$/);
  });
});

describe("Ctrl-C", () => {
  test("[R7] ends the server and all it started, with exit code 0 and not a word", async () => {
    const pids = server.processes();
    expect(pids.length).toBeGreaterThan(2);
    const { code, stderr } = await server.stop();
    expect([code, stderr]).toEqual([0, ""]);
    await untilGone(pids);
  });
});

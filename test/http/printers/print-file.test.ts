/** Printing a file: the command, what both agents answer, and the print that begins. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { makeNamedJob } from "../../../scripts/virtual/job.ts";
import { seededRandom } from "../../../scripts/virtual/random.ts";
import { agentCall, call, connectAgentOf, makeAccount, makePrinterOf, makeToken, ORIGIN } from "../../support/api.ts";
import { frame, MOONRAKER } from "../../support/frames.ts";
import { projected } from "../../support/printer.ts";
import { ServedAgent } from "../../support/served-agent.ts";
import { GCODE_TEXT, upload, uploaded } from "../../support/upload.ts";

const T = 1_790_000_100;

interface Download {
  readonly passthru: {
    readonly target: string;
    readonly func: string;
    readonly ref: string;
    readonly args: readonly [{ id: number; url: string; filename: string; safe_filename: string }];
  };
}

/** An account with a file, and a printer whose agent has just spoken. */
async function idle(origin = ORIGIN) {
  const account = await makeAccount();
  const printer = await makePrinterOf(account);
  const agent = await connectAgentOf(printer, origin);
  agent.send({ ...frame({ ts: -1, text: "Operational", name: null }), ...MOONRAKER });
  await agent.settled();
  return { account, printer, agent, file: await uploaded(account) };
}

type Idle = Awaited<ReturnType<typeof idle>>;

function print({ account, printer }: Pick<Idle, "account" | "printer">, body: unknown, headers = {}) {
  return call("POST", `/api/v1/printers/${printer.id}/print_file/`, { token: account.token, body, headers });
}

async function nextDownload({ agent }: Idle): Promise<Download["passthru"]> {
  return ((await agent.next("passthru")) as unknown as Download).passthru; // safe: the key was asked for, the test reads the rest
}

/** The record of a file that lies on the printer. */
async function reported({ auth_token }: { readonly auth_token: string }, fields: object = {}): Promise<number> {
  const file = { filename: "usb.gcode", url: "sub/usb.gcode", agent_signature: "ts:1760000000.25", ...fields };
  const { body } = await agentCall("POST", "/api/v1/octo/g_code_files/", auth_token, { body: file });
  return body.id;
}

async function read({ account, printer }: Idle, path: string) {
  return (await call("GET", `/api/v1/printers/${printer.id}/${path}`, { token: account.token })).body;
}

describe("printing a file", () => {
  test("[A27] the URL is at the origin that the agent dialled, wherever the call came from", async () => {
    const world = await idle("http://192.168.1.5:8787");
    const answer = print(world, { g_code_file_id: world.file.id });
    const { ref, args } = await nextDownload(world);
    expect(args[0].url).toMatch(/^http:\/\/192\.168\.1\.5:8787\/files\//);
    world.agent.send({ passthru: { ref, ret: { target_path: "hook_v2.gcode" } } });
    expect((await answer).body.succeeded).toBe(true);
  });

  test("[A27] [C47] hands the agent a URL that opens without credentials, and its answer is the receipt", async () => {
    const world = await idle();
    const answer = print(world, { g_code_file_id: world.file.id });
    const { ref, args, ...call } = await nextDownload(world);
    expect(call).toEqual({ target: "file_downloader", func: "download" });
    expect(ref).toMatch(/^c:[a-p]{16}$/);
    const url = expect.stringContaining(`${ORIGIN}/files/${world.file.id}/hook_v2.gcode?token=`);
    expect(args).toEqual([{ id: world.file.id, url, filename: "hook v2.gcode", safe_filename: "hook_v2.gcode" }]);
    world.agent.send({ passthru: { ref, ret: { target_path: "hook_v2.gcode" } } });
    const { status, body } = await answer;
    expect(status).toBe(200);
    expect(body).toMatchObject({
      succeeded: true,
      printer: { id: world.printer.id, current_print: null },
      command: { kind: "print_file", state: "delivered", print_id: null, reason: null },
    });
    expect(Object.keys(body)).toEqual(["succeeded", "printer", "command"]);
  });

  test("[C47] [C93] [H90] is refused by an agent that is busy: its words are told, by D1 too, and no token in them", async () => {
    const world = await idle();
    const answer = print(world, { g_code_file_id: world.file.id });
    const { ref, args } = await nextDownload(world);
    world.agent.send({ passthru: { ref, error: `Printer busy!\n404 for url: ${args[0].url}` } });
    const { succeeded, command } = (await answer).body;
    const url = args[0].url.replace(/\?.*/, "?…");
    const detail = `The printer's agent refused it: Printer busy! 404 for url: ${url}`;
    expect([succeeded, command]).toMatchObject([false, { state: "failed", reason: "refused", detail }]);
    await projected(world.printer.id);
    const stub = env.PRINTERS.getByName(String(world.printer.id));
    await runInDurableObject(stub, (_instance, { storage }) => void storage.sql.exec("DELETE FROM command"));
    await evictDurableObject(stub);
    expect(await read(world, `commands/${command.id}/`)).toMatchObject({ reason: "refused", detail });
    expect(await read(world, "commands/")).toMatchObject([{ id: command.id, detail }]);
  });

  test("[C26] [C91] pressed twice without a key: one download, and no other file while it is under way", async () => {
    const world = await idle();
    const other = await uploaded(world.account);
    const first = print(world, { g_code_file_id: world.file.id });
    const { ref } = await nextDownload(world);
    world.agent.send({ passthru: { ref, ret: { target_path: "hook_v2.gcode" } } });
    const { id } = (await first).body.command;
    const second = (await print(world, { g_code_file_id: world.file.id })).body;
    expect(second).toMatchObject({ succeeded: true, command: { id, state: "delivered" } });
    world.agent.send(frame({ ts: -1, text: "G-Code Downloading", name: null }));
    await world.agent.settled();
    expect((await print(world, { g_code_file_id: world.file.id })).body.command.id).toBe(id);
    const refused = (await print(world, { g_code_file_id: other.id })).body;
    expect(refused).toMatchObject({ succeeded: false, command: { state: "rejected", reason: "printing" } });
    expect(refused.command.detail).toBe("A file was handed to the printer already, and its print may start.");
    expect(world.agent.pending("passthru")).toBe(0);
  });

  test("[C90] pressed again before any receipt: the same ref once more, which an agent takes once", async () => {
    const world = await idle();
    const first = print(world, { g_code_file_id: world.file.id });
    const { ref } = await nextDownload(world);
    const second = print(world, { g_code_file_id: world.file.id });
    const again = await nextDownload(world);
    expect(again).toMatchObject({ func: "download", ref });
    world.agent.send({ passthru: { ref, ret: { target_path: "hook_v2.gcode" } } });
    expect((await second).body).toMatchObject({ succeeded: true, command: { state: "delivered" } });
    expect((await first).body.command).toMatchObject({ state: "superseded", reason: "replaced" });
  });

  test("[C12] [C13] is refused while a print is current, and when nobody is there; no agent hears of it", async () => {
    const world = await idle();
    world.agent.send(frame({ ts: T }));
    await world.agent.settled();
    const busy = (await print(world, { g_code_file_id: world.file.id })).body;
    expect(busy).toMatchObject({ succeeded: false, command: { state: "rejected", reason: "printing" } });
    world.agent.send(frame({ ts: -1, text: "Operational" }));
    await world.agent.settled();
    world.agent.close();
    await world.agent.untilClosed();
    const gone = (await print(world, { g_code_file_id: world.file.id })).body;
    expect(gone).toMatchObject({ succeeded: false, command: { state: "rejected", reason: "agent_offline" } });
    expect(world.agent.pending("passthru")).toBe(0);
  });

  test("[A72] [H91] a file that lies on the printer is started by its agent, by path and signature", async () => {
    const world = await idle();
    await projected(world.printer.id);
    const id = await reported(world.printer);
    const answer = print(world, { g_code_file_id: id });
    const { ref, ...call } = await nextDownload(world);
    const args = [{ url: "sub/usb.gcode", agent_signature: "ts:1760000000.25" }];
    expect(call).toEqual({ target: "file_operations", func: "start_printer_local_print", args });
    world.agent.send({ passthru: { ref, ret: "Success" } });
    const { command } = (await answer).body;
    expect(command).toMatchObject({ kind: "print_file", state: "delivered" });
    expect((await print(world, { g_code_file_id: id })).body.command.id).toBe(command.id);
    expect((await print(world, { g_code_file_id: world.file.id })).body.command.reason).toBe("printing");
    expect(world.agent.pending("passthru")).toBe(0);
    const started = frame({ ts: T, event: "PrintStarted", name: "usb.gcode" });
    const job = { file: { name: "usb.gcode", obico_g_code_file_id: id } };
    world.agent.send({ ...started, status: { ...(started.status as object), job } });
    await world.agent.settled();
    expect(await read(world, `commands/${command.id}/`)).toMatchObject({
      state: "succeeded",
      print_id: expect.any(Number),
    });
  });

  test("[A70] [H90] a file that was changed there is refused in the agent's words", async () => {
    const world = await idle();
    await projected(world.printer.id);
    const answer = print(world, { g_code_file_id: await reported(world.printer) });
    const { ref } = await nextDownload(world);
    world.agent.send({ passthru: { ref, ret: { error: "File has been modified!" } } });
    const detail = "The printer's agent refused it: File has been modified!";
    expect((await answer).body).toMatchObject({ succeeded: false, command: { state: "failed", detail } });
  });

  test("[H91] another printer's file, one without path or signature, and one whose agent is of no known kind are 400 in words", async () => {
    const world = await idle();
    await projected(world.printer.id);
    const neighbour = await makePrinterOf(world.account);
    const homemade = await makePrinterOf(world.account);
    const files = [
      await reported(neighbour),
      await reported(world.printer, { url: "" }),
      await reported(world.printer, { agent_signature: "" }),
    ];
    const refusals = [];
    for (const id of files) refusals.push(await print(world, { g_code_file_id: id }));
    const there = { account: world.account, printer: homemade };
    refusals.push(await print(there, { g_code_file_id: await reported(homemade) }));
    expect(refusals.map(({ status, body }) => [status, body.errors.g_code_file_id])).toEqual([
      [400, ["This file lies on another printer."]],
      [400, ["The printer's agent did not tell how this file is to be found."]],
      [400, ["The printer's agent did not tell how this file is to be found."]],
      [400, ["This printer's agent is not known to start a file that lies on the printer."]],
    ]);
    expect(world.agent.pending("passthru")).toBe(0);
  });

  test("[H29] takes only what the account has, with content", async () => {
    const world = await idle();
    const foreign = await uploaded(await makeAccount());
    const empty = (await upload(world.account, { content: null })).body;
    const reported = await agentCall("POST", "/api/v1/octo/g_code_files/", world.printer.auth_token, {
      body: { filename: "usb.gcode" },
    });
    const deleted = await uploaded(world.account);
    await call("DELETE", `/api/v1/g_code_files/${deleted.id}/`, { token: world.account.token });
    const seen = [];
    for (const id of [foreign.id, deleted.id, 999_999_999, empty.id, reported.body.id, 0, "1", null, undefined]) {
      const { status, body } = await print(world, { g_code_file_id: id });
      seen.push([status, body.code]);
    }
    expect(seen).toEqual([...Array(3).fill([404, "not_found"]), ...Array(6).fill([400, "invalid"])]);
    expect(world.agent.pending("passthru")).toBe(0);
  });

  test("[S3] [S26] needs the scope, and a printer of one's own", async () => {
    const world = await idle();
    const body = { g_code_file_id: world.file.id };
    const path = `/api/v1/printers/${world.printer.id}/print_file/`;
    const reader = await makeToken(world.account.userId, { canWrite: false });
    expect((await call("POST", path, { body })).status).toBe(401);
    expect((await call("POST", path, { token: reader, body })).status).toBe(403);
    const stranger = await makeAccount();
    expect((await call("POST", path, { token: stranger.token, body })).body.detail).toBe(
      "No Printer matches the given query.",
    );
    expect((await call("GET", path, { token: world.account.token })).status).toBe(405);
  });

  test("[C19] [H30] a silent agent is asked first whether it is there, and the file goes to it once", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const world = await idle();
    vi.setSystemTime(Date.now() + 6_000);
    const answer = print(world, { g_code_file_id: world.file.id }, { "Idempotency-Key": "once" });
    const probe = await nextDownload(world);
    expect(probe).toMatchObject({ func: "get_state_id", ref: expect.stringMatching(/^p:/) });
    expect(world.agent.pending("passthru")).toBe(0);
    world.agent.send({ passthru: { ref: probe.ref, error: "Request not supported" } });
    const { func, ref } = await nextDownload(world);
    expect(func).toBe("download");
    world.agent.send({ passthru: { ref, ret: { target_path: "x" } } });
    const first = await answer;
    expect(first.body.succeeded).toBe(true);
    const again = await print(world, { g_code_file_id: world.file.id }, { "Idempotency-Key": "once" });
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
    expect(again.body.command.id).toBe(first.body.command.id);
    const other = await uploaded(world.account);
    expect((await print(world, { g_code_file_id: other.id }, { "Idempotency-Key": "once" })).status).toBe(422);
    expect(world.agent.pending("passthru")).toBe(0);
    vi.useRealTimers();
  });

  test("[A37] [C52] command, download, PATCH, report, start: the print has the file, and the command has succeeded", async () => {
    const world = await idle();
    const { file, agent, printer } = world;
    const answer = print(world, { g_code_file_id: file.id });
    const { ref, args } = await nextDownload(world);
    agent.send({ passthru: { ref, ret: { target_path: "hook_v2.gcode" } } });
    const { id: commandId } = (await answer).body.command;
    const download = await call("GET", args[0].url.slice(ORIGIN.length));
    expect(download).toMatchObject({ status: 200, body: GCODE_TEXT });
    const form = (fields: Record<string, string>) => ({ raw: new URLSearchParams(fields) });
    const signature = { safe_filename: args[0].safe_filename, agent_signature: "ts:1760000000.25" };
    const calls = "/api/v1/octo/g_code_files/";
    expect((await agentCall("PATCH", `${calls}${file.id}/`, printer.auth_token, form(signature))).status).toBe(200);
    const report = { ...signature, filename: "hook_v2.gcode", num_bytes: "30", url: "Obico_Upload/hook_v2.gcode" };
    const found = await agentCall("POST", calls, printer.auth_token, form(report));
    expect(found).toMatchObject({ status: 200, body: { id: file.id } });
    const started = frame({ ts: T, event: "PrintStarted", name: "hook_v2.gcode" });
    const job = { file: { name: "hook_v2.gcode", obico_g_code_file_id: file.id } };
    agent.send({ ...started, status: { ...(started.status as object), job } });
    await agent.settled();
    await projected(printer.id);
    const shown = await read(world, "");
    expect(shown.current_print).toMatchObject({ filename: "hook_v2.gcode", g_code_file: { id: file.id } });
    const command = await read(world, `commands/${commandId}/`);
    expect(command).toMatchObject({ state: "succeeded", print_id: shown.current_print.id });
    const { body } = await call("GET", `/api/v1/g_code_files/${file.id}/`, { token: world.account.token });
    expect(body.print_set).toMatchObject([{ id: shown.current_print.id, printer: { id: printer.id } }]);
  });

  test("[A37] two printers that fetch one file at once each find it again under a signature of their own", async () => {
    const account = await makeAccount();
    const file = await uploaded(account);
    const printers = [await makePrinterOf(account), await makePrinterOf(account), await makePrinterOf(account)];
    const signed = (n: number) => ({ safe_filename: file.safe_filename, agent_signature: `ts:${n}.25` });
    const report = (n: number) =>
      agentCall("POST", "/api/v1/octo/g_code_files/", printers[n]?.auth_token ?? "", {
        body: { filename: file.safe_filename, ...signed(n) },
      });
    for (const n of [0, 1]) {
      const path = `/api/v1/octo/g_code_files/${file.id}/`;
      await agentCall("PATCH", path, printers[n]?.auth_token ?? "", { body: signed(n) });
    }
    expect((await report(0)).body.id).toBe(file.id);
    expect((await report(1)).body.id).toBe(file.id);
    expect((await report(2)).status).toBe(201);
  });
});

describe.each(["moonraker", "octoprint"] as const)("a virtual %s", (dialect) => {
  let served: ServedAgent | null = null;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"] });
  });

  afterEach(() => {
    served?.stop();
    vi.useRealTimers();
  });

  test("[C47] [C52] fetches the file and prints it, and the print is bound to both", async () => {
    served = await ServedAgent.start(dialect);
    const world = served;
    await world.run(60);
    const file = await uploaded(world.account);
    const { body } = await world.rest("POST", "print_file/", { g_code_file_id: file.id });
    expect(body).toMatchObject({ succeeded: true, command: { kind: "print_file", state: "delivered" } });
    await world.runUntil(() => world.machine.printSeconds > 5, 600);
    await world.run(5);
    await projected(world.printerId);
    const { current_print: current } = (await world.rest("GET", "")).body;
    expect(current).toMatchObject({
      filename: file.safe_filename,
      g_code_file: { id: file.id, resident_printer: null },
    });
    const command = (await world.rest("GET", `commands/${body.command.id}/`)).body;
    expect(command).toMatchObject({ state: "succeeded", print_id: current.id });
    const again = (await world.rest("POST", "print_file/", { g_code_file_id: file.id })).body;
    expect(again).toMatchObject({ succeeded: false, command: { reason: "printing" } });
  });

  test("[A72] [C47] prints a file once more that lies on it, and the print is bound to both", async () => {
    served = await ServedAgent.start(dialect);
    const world = served;
    const job = makeNamedJob(seededRandom(3), world.now() / 1000, "usb.gcode", 600);
    world.agent.printer.start(job);
    await world.runUntil(() => world.machine.printSeconds > 5, 600);
    await world.run(60);
    const file = (await world.rest("GET", "")).body.current_print.g_code_file;
    expect(file).toMatchObject({ resident_printer: world.printerId });
    await world.rest("POST", "cancel_print/");
    await world.runUntil(() => world.machine.phase === "idle", 600);
    await world.run(60);
    const { body } = await world.rest("POST", "print_file/", { g_code_file_id: file.id });
    expect(body).toMatchObject({ succeeded: true, command: { state: "delivered" } });
    await world.runUntil(() => world.machine.printSeconds > 5, 600);
    await world.run(60);
    const { current_print: current } = (await world.rest("GET", "")).body;
    expect(current.g_code_file).toEqual(file);
    const command = (await world.rest("GET", `commands/${body.command.id}/`)).body;
    expect(command).toMatchObject({ state: "succeeded", print_id: current.id });
  });
});

/** What a round of calls finds: things of every noun in one account, some of them gone, and a live agent. */
import { setTimeout as pause } from "node:timers/promises";
import { Agent, moonrakerReceipt } from "../lives/agent.ts";
import { MOONRAKER, now, report } from "../lives/frames.ts";
import { Refusal } from "../refusal.ts";
import { send } from "./send.ts";

export type Noun = "printer" | "print" | "event" | "file" | "folder" | "token" | "code";

type Ids = Readonly<Record<Noun, readonly number[]>>;

export interface Stock {
  /** Everything of these is the account's own; some printers are archived. */
  readonly own: Ids;
  /** What was deleted, and is 404 now or readable as such. */
  readonly gone: Ids;
  /** Of commands. */
  readonly commandIds: readonly string[];
  readonly credentials: Credentials;
  /** Live digits. */
  readonly code: string;
  readonly passcode: string;
  /** Its agent polls at the round's address. */
  readonly deviceId: string;
}

interface Credentials {
  /** With both scopes: the calls of a round are shared out, because each may make 600 a minute. */
  readonly full: readonly [string, string];
  readonly read: string;
  readonly write: string;
  readonly revoked: string;
  readonly expired: string;
  /** Of agents: one that counts, and those that do not any more. */
  readonly agent: string;
  readonly deadAgents: readonly [deleted: string, rotated: string];
}

interface Made {
  readonly id: number;
  readonly token: string;
  readonly auth_token: string;
  readonly code: string;
  readonly command: { readonly id: string };
}

const EXPIRES_MS = 1_000;
/** The longest wait for a token's next calls; what takes longer is another bound. */
const PERIOD_SECONDS = 60;

/** Calls with a token of an account; anything but success ends the run. */
export class Account {
  readonly url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.url = url;
    this.#token = token;
  }

  async ask<T = Made>(method: string, path: string, body?: object | FormData): Promise<T> {
    return call(this.url, `Bearer ${this.#token}`, method, `/api/v1/${path}`, body);
  }
}

async function call<T>(url: string, authorization: string, method: string, path: string, body?: object): Promise<T> {
  const isForm = body instanceof FormData;
  const type = isForm || body === undefined ? {} : { "Content-Type": "application/json" };
  const response = await fetch(url + path, {
    method,
    headers: { Authorization: authorization, ...type },
    body: isForm ? body : body === undefined ? null : JSON.stringify(body),
  });
  const text = await response.text();
  const waitSeconds = Number(response.headers.get("Retry-After"));
  // A fast machine makes more than 600 calls a minute with one token.
  if (response.status === 429 && waitSeconds > 0 && waitSeconds <= PERIOD_SECONDS) {
    await pause(waitSeconds * 1000);
    return call(url, authorization, method, path, body);
  }
  if (!response.ok) throw new Refusal(`The stock cannot be made: ${method} ${path}: ${response.status} ${text}`);
  return (text === "" ? null : JSON.parse(text)) as T; // safe: the route's own schema
}

export interface Stocked {
  readonly stock: Stock;
  /** Takes away what would be in the next rounds' way. */
  clear(): Promise<void>;
}

/** `root`: a token of the account, which hands it out; `name` and `address` are of the round. */
export async function stockUp(url: string, root: string, name: string, address: string): Promise<Stocked> {
  const rootAccount = new Account(url, root);
  const expiresAt = Date.now() + EXPIRES_MS;
  const makeToken = (body: object) => rootAccount.ask("POST", "api_tokens/", { name, ...body });
  const full = await makeToken({});
  const account = new Account(url, full.token);
  const others = await Promise.all([
    makeToken({}),
    makeToken({ scopes: ["read"] }),
    makeToken({ scopes: ["write"] }),
    makeToken({}),
    makeToken({ expires_at: new Date(expiresAt).toISOString() }),
    ...[1, 2].map(() => makeToken({})),
  ] as const);
  const [second, read, write, revoked, expired, ...spare] = others as [Made, Made, Made, Made, Made, ...Made[]]; // safe: as many
  await account.ask("DELETE", `api_tokens/${revoked.id}/`);

  const printers = await Promise.all(
    ["Live", "Idle", "Third", "Fourth", "Archived", "Gone"].map((word) =>
      account.ask("POST", "printers/", { name: `${word} ${name}` }),
    ),
  );
  const [live, idle, third, , archived, gone] = printers as [Made, Made, Made, Made, Made, Made]; // safe: as many
  const agent = await liveAgent(url, live.auth_token);
  await account.ask("POST", `printers/${third.id}/rotate_token/`);
  await account.ask("POST", `printers/${archived.id}/archive/`);
  await account.ask("DELETE", `printers/${gone.id}/`);

  for (const word of ["one", "two", "three", "four"]) {
    await account.ask("POST", `printers/${idle.id}/start_print/`, { filename: `${word}.gcode` });
    await account.ask("POST", `printers/${idle.id}/finish_print/`, {
      status: word === "two" ? "cancelled" : "success",
    });
  }
  await account.ask("POST", `printers/${third.id}/start_print/`, { filename: "current.gcode" });
  const commands: Made["command"][] = [];
  for (const [printer, verb] of [
    [live, "pause_print"],
    [live, "resume_print"],
    [idle, "cancel_print"],
  ] as const) {
    commands.push((await account.ask("POST", `printers/${printer.id}/${verb}/`)).command);
  }

  const outer = await account.ask("POST", "g_code_folders/", { name: `outer ${name}` });
  const inner = await account.ask("POST", "g_code_folders/", { name: "inner", parent_folder: outer.id });
  const empty = await account.ask("POST", "g_code_folders/", { name: `empty ${name}` });
  const goneFolder = await account.ask("POST", "g_code_folders/", { name: `gone ${name}` });
  await account.ask("DELETE", `g_code_folders/${goneFolder.id}/`);
  const files = await Promise.all([
    account.ask("POST", "g_code_files/", upload("cube.gcode", outer.id)),
    account.ask("POST", "g_code_files/", upload("Würfel 立方体.gcode", inner.id)),
    account.ask("POST", "g_code_files/", upload("root.gcode", null)),
    account.ask("POST", "g_code_files/", upload("gone.gcode", null)),
  ]);
  const goneFile = files[3];
  await account.ask("DELETE", `g_code_files/${goneFile.id}/`);
  const reported = await call<Made>(url, `Token ${live.auth_token}`, "POST", "/api/v1/octo/g_code_files/", {
    ...{ filename: "live.gcode", safe_filename: "live.gcode", agent_signature: `ts:${name}`, url: "live.gcode" },
    num_bytes: 1000,
  });

  const code = await account.ask("GET", "onetimeverificationcodes/");
  const again = await account.ask("GET", `onetimeverificationcodes/?printer_id=${idle.id}`);
  const deviceId = name.replace(/\W/g, "").padEnd(32, "0").slice(0, 32);
  const passcode = await pollForPasscode(url, deviceId, address);

  const prints = await account.ask<Made[]>("GET", `prints/?limit=500&filter_by_printer_ids[]=${idle.id}`);
  const goneId = prints[0]?.id ?? 0;
  if (prints.length > 0) await account.ask("DELETE", `prints/${goneId}/`);
  const events = await account.ask<Made[]>("GET", "printer_events/?limit=20");
  const idsOf = (things: readonly Made[]) => things.map(({ id }) => id);
  await pause(Math.max(0, expiresAt + 1 - Date.now()));
  const stock: Stock = {
    own: {
      printer: idsOf(printers.slice(0, -1)),
      print: idsOf(prints).filter((id) => id !== goneId),
      event: idsOf(events),
      file: [...idsOf(files.slice(0, -1)), reported.id],
      folder: idsOf([outer, inner, empty]),
      token: idsOf(spare),
      code: [code.id, again.id],
    },
    gone: {
      printer: [gone.id],
      print: [goneId],
      event: [],
      file: [goneFile.id],
      folder: [goneFolder.id],
      token: [revoked.id],
      code: [],
    },
    commandIds: commands.map(({ id }) => id),
    credentials: {
      full: [full.token, second.token],
      read: read.token,
      write: write.token,
      revoked: revoked.token,
      expired: expired.token,
      agent: live.auth_token,
      deadAgents: [gone.auth_token, third.auth_token],
    },
    code: code.code,
    passcode,
    deviceId,
  };
  const clear = async () => {
    agent.close();
    const left = await rootAccount.ask<Made[]>("GET", "printers/?with_archived=1&fields=id");
    await Promise.all(left.map(({ id }) => rootAccount.ask("DELETE", `printers/${id}/?with_archived=1`)));
    const tokens = await rootAccount.ask<(Made & { name: string })[]>("GET", "api_tokens/");
    const made = tokens.filter((token) => token.name !== ROOT);
    await Promise.all(made.map(({ id }) => rootAccount.ask("DELETE", `api_tokens/${id}/`)));
  };
  return { stock, clear };
}

/** From where the round's calls come: the agent is shown there only. */
async function pollForPasscode(url: string, deviceId: string, address: string): Promise<string> {
  const poll = { device_id: deviceId, one_time_passcode: "", host_or_ip: "192.168.1.2", port: 80 };
  const reply = await send(url, {
    ...{ method: "POST", path: "/api/v1/octo/unlinked/", headers: [["Content-Type", "application/json"]] },
    ...{ body: Buffer.from(JSON.stringify(poll)), hangsUpAfter: null, from: `${address}.1` },
  });
  const answer = JSON.parse(reply?.body.toString() ?? "{}") as { readonly one_time_passcode?: string }; // safe: its schema
  return answer.one_time_passcode ?? "";
}

/** How the server's scripts name the token that an account is made with. */
const ROOT = "fuzz";

function upload(filename: string, folder: number | null): FormData {
  const form = new FormData();
  form.set("filename", filename);
  if (folder !== null) form.set("parent_folder", String(folder));
  form.set("file", new Blob(["G28\nG1 X10 Y10\nM84\n"]), filename);
  return form;
}

const TEXTS: Readonly<Record<string, string>> = { pause: "Paused", resume: "Printing", cancel: "Operational" };
const REGULAR_MS = 10_000;

/** One that obeys at once, over a print that goes on. */
async function liveAgent(url: string, token: string): Promise<{ close(): void }> {
  const agent = await Agent.connect(url, token, moonrakerReceipt);
  const ts = Math.floor(now()) - 60;
  let text = "Printing";
  const say = () => agent.say(report({ ts: text === "Operational" ? -1 : ts, text }));
  agent.say(MOONRAKER);
  agent.say(report({ ts, text, event: "PrintStarted" }));
  agent.onOrder(({ name }) => {
    text = TEXTS[name] ?? text;
    setTimeout(say, 50);
  });
  const timer = setInterval(say, REGULAR_MS);
  const close = () => {
    clearInterval(timer);
    agent.close();
  };
  return { close };
}

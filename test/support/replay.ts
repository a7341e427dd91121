/**
 * Replays the agent's side of a recording through the whole Worker: its HTTP calls, handshakes, frames and closes, with the
 * clock and the alarms at the recorded times. Tokens, codes and ids that the recording's stub gave are replaced by the real server's.
 */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { vi } from "vitest";
import { type Account, type Answer, call, makeAccount, makePrinterOf, ORIGIN } from "./api.ts";
import { freshIp } from "./linking.ts";
import { ScriptedAgent } from "./printer.ts";
import {
  bytesOf,
  type RecordedCall,
  type RecordedCommand,
  type RecordedFrame,
  type RecordedLine,
  startOf,
} from "./recordings.ts";

/** Recordings are moved a year ahead of any clock, so that no alarm of theirs lies in the past. */
export const SHIFT_S = 365 * 24 * 60 * 60;

export interface Answered {
  readonly recorded: RecordedCall;
  readonly answer: Answer;
}

/** A command as it was given over REST at the moment at which the recording's frame went out. */
export interface Commanded extends Answer {
  readonly recorded: RecordedCommand;
  /** A frame went out for it: it was neither refused nor answered by its twin. */
  readonly isSent: boolean;
}

export interface Replayed {
  readonly account: Account;
  readonly printerId: number;
  /** Epoch seconds of the recording's beginning, by its agent's clock. */
  readonly startS: number;
  readonly answers: readonly Answered[];
  /** In order. */
  readonly commands: readonly Commanded[];
  /** Statuses of the handshakes, and whether the stub had accepted them. */
  readonly handshakes: readonly { readonly status: number; readonly isAccepted: boolean }[];
  /** Error frames of the server's. */
  readonly faults: number;
  /** The newest status that was sent, as the server got it. */
  readonly lastStatus: unknown;
}

export class Replay {
  readonly #account: Account;
  readonly #printerId: number;
  readonly #ip = freshIp();
  /** Of the file that the recording fetched from the stub's cloud. */
  readonly #cloudFileId: number;
  #token: string;
  #agent: ScriptedAgent | null = null;
  #passcode = "";
  #usedCode = "000000";
  readonly #recordedCodes = new Set(["000000"]);
  #fileId: unknown = null;
  /** Recorded reference to that of our frame; null if none went out. */
  readonly #refs = new Map<unknown, unknown>();
  readonly #answers: Answered[] = [];
  readonly #commands: Promise<Commanded>[] = [];
  readonly #handshakes: { status: number; isAccepted: boolean }[] = [];
  #faults = 0;
  #lastStatus: unknown = null;

  readonly #startS: number;

  private constructor(
    account: Account,
    printer: { id: number; auth_token: string },
    cloudFileId: number,
    startS: number,
  ) {
    this.#account = account;
    this.#startS = startS;
    this.#printerId = printer.id;
    this.#token = printer.auth_token;
    this.#cloudFileId = cloudFileId;
  }

  /**
   * `makeCloudFile` gives the id of a file in that account's cloud; `quietS` seconds pass after the last line. Date is faked
   * from here on.
   */
  static async run(
    lines: readonly RecordedLine[],
    makeCloudFile: (userId: number) => Promise<number>,
    quietS = 0,
  ): Promise<Replayed> {
    const account = await makeAccount();
    const start = startOf(lines) + SHIFT_S;
    const replay = new Replay(account, await makePrinterOf(account), await makeCloudFile(account.userId), start);
    for (const line of lines) {
      await replay.#pass((start + line.t) * 1000);
      await replay.#play(line);
    }
    if (quietS > 0) await replay.#pass(Date.now() + quietS * 1000);
    return replay.#end();
  }

  async #end(): Promise<Replayed> {
    this.#countFaults();
    return {
      account: this.#account,
      printerId: this.#printerId,
      startS: this.#startS,
      answers: this.#answers,
      commands: await Promise.all(this.#commands),
      handshakes: this.#handshakes,
      faults: this.#faults,
      lastStatus: this.#lastStatus,
    };
  }

  /** Time goes on, and each alarm goes off at its moment. */
  async #pass(until: number): Promise<void> {
    const stub = env.PRINTERS.getByName(String(this.#printerId));
    for (;;) {
      const alarm = await runInDurableObject(stub, (_instance, { storage }) => storage.getAlarm());
      if (alarm === null || alarm > until) break;
      vi.setSystemTime(Math.max(alarm, Date.now()));
      await runDurableObjectAlarm(stub);
      await this.#answerProbes();
    }
    vi.setSystemTime(until);
    await this.#answerProbes();
  }

  /** As the agent would have; the recorded answers are to the probes of another server. */
  async #answerProbes(): Promise<void> {
    for (;;) {
      const probe = this.#agent?.take("passthru") ?? null;
      if (probe === null) return;
      await this.#say(answerTo((probe.passthru as { ref: string }).ref));
    }
  }

  #play(line: RecordedLine): Promise<void> | void {
    switch (line.kind) {
      case "call":
        return this.#call(line);
      case "handshake":
        return this.#dial(line);
      case "frame":
        return this.#frame(line.frame);
      case "binary":
        return this.#say(new Uint8Array([5, 0, 0, 0, 0]).buffer);
      case "command":
        return this.#command(line);
      case "closed":
        return this.#close();
    }
  }

  /** A file's download goes wherever the server said, without a token: it is no call of this server's. */
  async #call(recorded: RecordedCall): Promise<void> {
    if (recorded.path.startsWith("/dl/")) return;
    const { authorization, "content-length": _length, ...headers } = recorded.headers;
    const isBare = authorization === undefined || authorization === "Token";
    const sent = {
      ...headers,
      "CF-Connecting-IP": this.#ip,
      ...(authorization === undefined ? {} : { authorization: isBare ? authorization : `Token ${this.#token}` }),
    };
    const raw = this.#bodyOf(recorded);
    const path = await this.#pathOf(recorded);
    const answer = await call(recorded.http, path, { headers: sent, ...(raw === null ? {} : { raw }) });
    this.#answers.push({ recorded, answer });
    this.#learn(recorded, answer);
  }

  #bodyOf(recorded: RecordedCall): Uint8Array | string | null {
    if (!recorded.path.endsWith("/unlinked/")) return bytesOf(recorded);
    const poll = JSON.parse(recorded.body ?? "{}");
    return JSON.stringify("one_time_passcode" in poll ? { ...poll, one_time_passcode: this.#passcode } : poll);
  }

  async #pathOf({ path }: RecordedCall): Promise<string> {
    const [, code] = /verify\/\?code=(\d+)/.exec(path) ?? [];
    if (code === undefined) {
      return path.replace("/printers/77/", `/printers/${this.#printerId}/`).replace("/9/", `/${this.#cloudFileId}/`);
    }
    // A code that the recording repeats was used up by then.
    if (!this.#recordedCodes.has(code)) this.#usedCode = await this.#freshCode();
    this.#recordedCodes.add(code);
    return `/api/v1/octo/verify/?code=${this.#usedCode}`;
  }

  async #freshCode(): Promise<string> {
    const path = `/api/v1/onetimeverificationcodes/?printer_id=${this.#printerId}`;
    const { status, body } = await call("GET", path, { token: this.#account.token });
    if (status !== 200) throw new Error(`no code: ${status}`);
    return body.code ?? body[0].code;
  }

  #learn({ path, http }: RecordedCall, { status, body }: Answer): void {
    if (path.endsWith("/unlinked/")) this.#passcode = body.one_time_passcode ?? "";
    if (path.includes("/verify/") && status === 200) this.#token = body.printer.auth_token;
    if (path.endsWith("/g_code_files/") && http === "POST") this.#fileId = body.id;
  }

  /** A handshake that the stub refused is made with a bad token. */
  async #dial({ headers, isAccepted }: RecordedLine & { kind: "handshake" }): Promise<void> {
    const { host: _host, connection: _connection, ...sent } = headers;
    const authorization = `bearer ${isAccepted ? this.#token : `${this.#token.slice(0, -1)}!`}`;
    const response = await exports.default.fetch(`${ORIGIN}/ws/dev/`, { headers: { ...sent, authorization } });
    const { status, webSocket } = response;
    this.#handshakes.push({ status, isAccepted });
    this.#countFaults();
    if (webSocket !== null) this.#agent = new ScriptedAgent(webSocket);
  }

  /** A receipt carries the reference of our own frame, and goes missing where there was none. */
  #frame(frame: RecordedFrame): Promise<void> | void {
    const recorded = frame.passthru?.ref;
    if (!this.#refs.has(recorded)) {
      return isProbeRef(recorded) ? undefined : this.#say(JSON.stringify(this.#translated(frame)));
    }
    const ref = this.#refs.get(recorded);
    if (ref !== null) return this.#say(JSON.stringify({ ...frame, passthru: { ...frame.passthru, ref } }));
  }

  #translated(frame: RecordedFrame): object {
    const { current_print_ts: ts, status } = frame;
    if (status !== undefined) this.#lastStatus = this.#translatedStatus(status);
    return {
      ...frame,
      ...(ts === undefined ? {} : { current_print_ts: ts > 0 ? ts + SHIFT_S : ts }),
      ...(status === undefined ? {} : { status: this.#lastStatus }),
    };
  }

  #translatedStatus(status: NonNullable<RecordedFrame["status"]>): object {
    const { _ts, job } = status;
    const file = job?.file;
    const id = file?.obico_g_code_file_id == null ? {} : { obico_g_code_file_id: this.#fileId };
    return {
      ...status,
      ...(_ts === undefined ? {} : { _ts: _ts + SHIFT_S }),
      ...(file === undefined ? {} : { job: { ...job, file: { ...file, ...id } } }),
    };
  }

  async #say(frame: string | ArrayBuffer): Promise<void> {
    this.#agent?.send(frame);
    await this.#agent?.settled();
  }

  /** Given over REST; the recording goes on once the agent has read the frame, or the server gave it none. */
  async #command(recorded: RecordedCommand): Promise<void> {
    const agent = this.#agent;
    if (agent === null) throw new Error("no agent");
    const path = `/api/v1/printers/${this.#printerId}/${recorded.cmd}_print/`;
    const answer = call("POST", path, { token: this.#account.token, body: {} });
    const ref = await this.#refOf(agent, answer);
    this.#refs.set(recorded.ref, ref);
    this.#commands.push(answer.then((given) => ({ ...given, recorded, isSent: ref !== null })));
    // An older stub asked for no receipt.
    if (ref !== null && recorded.ref === null) await this.#say(answerTo(ref));
  }

  /** Of the frame that went out for a command, after whatever probe; null without one. */
  async #refOf(agent: ScriptedAgent, answer: Promise<Answer>): Promise<string | null> {
    for (;;) {
      const frame = await agent.nextBefore("passthru", answer);
      if (frame === null) return null;
      const { ref } = frame.passthru as { ref: string };
      if ("commands" in frame) return ref;
      await this.#say(answerTo(ref));
    }
  }

  async #close(): Promise<void> {
    this.#agent?.close();
    await this.#agent?.untilClosed();
    this.#countFaults();
    this.#agent = null;
    await call("GET", `/api/v1/printers/${this.#printerId}/`, { token: this.#account.token });
  }

  #countFaults(): void {
    this.#faults += this.#agent?.pending("error") ?? 0;
  }
}

function isProbeRef(ref: unknown): boolean {
  return typeof ref === "string" && ref.startsWith("p:");
}

/** The error with which Moonraker's agent answers every probe: a receipt like any other. */
function answerTo(ref: string): string {
  return JSON.stringify({ passthru: { ref, error: "Request not supported." } });
}

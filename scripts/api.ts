/** The REST calls that the scripts make. */
import { setTimeout as pause } from "node:timers/promises";
import { readUrl } from "./arguments.ts";
import { Refusal } from "./refusal.ts";

/** The part of a printer that the scripts read. */
export interface ApiPrinter {
  readonly id: number;
  readonly name: string;
  readonly auth_token: string | null;
  readonly presence: { readonly state: "offline" | "stale" | "unreachable" | "online" };
  readonly status: { readonly state: { readonly text: string; readonly flags: { readonly paused: boolean } } } | null;
  readonly current_print: { readonly id: number; readonly filename: string } | null;
}

/** The part of a linking code that the scripts read. */
export interface ApiCode {
  readonly id: number;
  readonly code: string;
  readonly expired_at: string;
  readonly verified_at: string | null;
  readonly printer: { readonly id: number; readonly name: string } | null;
}

/** The server did not answer, or could not do it now: the same call may succeed later. */
export class Outage extends Refusal {}

const LONGEST_WAIT_S = 60;
const ANSWER_MS = 30_000;

export class Api {
  readonly url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.url = url.replace(/\/$/, "");
    this.#token = token;
  }

  /** Whether the token is good; an outage when the server cannot tell. */
  async isAdmitted(): Promise<boolean> {
    const response = await this.#send("GET", "/api/v1/users/me/");
    if (response.status === 429 || response.status >= 500)
      throw new Outage(`${this.url} cannot say whether it admits this token. Try again.`);
    await response.body?.cancel();
    return response.ok;
  }

  listPrinters(): Promise<ApiPrinter[]> {
    return this.#call("GET", "/api/v1/printers/");
  }

  findPrinter(id: number): Promise<ApiPrinter> {
    return this.#call("GET", `/api/v1/printers/${id}/`);
  }

  insertPrinter(name: string): Promise<ApiPrinter> {
    return this.#call("POST", "/api/v1/printers/", { name });
  }

  /** The account's live linking code, made if there is none, for that printer; null: for a new one. */
  askCode(printerId: number | null): Promise<ApiCode> {
    const query = printerId === null ? "" : `?printer_id=${printerId}`;
    return this.#call("GET", `/api/v1/onetimeverificationcodes/${query}`);
  }

  findCode(id: number): Promise<ApiCode> {
    return this.#call("GET", `/api/v1/onetimeverificationcodes/${id}/`);
  }

  /** Tells the printers' objects again when it is revoked already; an outage when one cannot be told. */
  async revokeToken(id: number): Promise<void> {
    await this.#call("DELETE", `/api/v1/api_tokens/${id}/`);
  }

  /** After a 429 waits as long as the server says and tries again; any other failure is a refusal. */
  async #call<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await this.#send(method, path, body);
    if (response.status === 204) return undefined as T; // safe: of a route that answers nothing
    if (response.ok) return this.#read(response);
    if (response.status !== 429) {
      const line = `${method} ${this.url}${path}: ${response.status} ${await detailOf(response)}`;
      throw response.status >= 500 ? new Outage(line) : new Refusal(line);
    }
    await response.body?.cancel();
    await pause(Math.min(LONGEST_WAIT_S, Number(response.headers.get("retry-after")) || 1) * 1000);
    return this.#call(method, path, body);
  }

  async #read<T>(response: Response): Promise<T> {
    try {
      return (await response.json()) as T; // safe: the route's own schema
    } catch {
      throw new Refusal(`${this.url} is no Platen server: it answers something else. Name its address with --url.`);
    }
  }

  async #send(method: string, path: string, body?: object): Promise<Response> {
    const headers = { Authorization: `Bearer ${this.#token}`, "Content-Type": "application/json" };
    const init = { method, headers, body: body === undefined ? null : JSON.stringify(body) };
    try {
      return await fetch(this.url + path, { ...init, signal: AbortSignal.timeout(ANSWER_MS) });
    } catch {
      throw new Outage(`No answer from ${this.url}. Start the server, or name its address with --url.`);
    }
  }
}

/** The sentence of a problem document; without one, what the status means. */
export async function detailOf(response: Response): Promise<string> {
  const problem: unknown = await response.json().catch(() => null);
  const isProblem = typeof problem === "object" && problem !== null && "detail" in problem;
  return isProblem ? String(problem.detail) : response.statusText;
}

const TOKEN_NEEDED =
  "An API token is needed: --token TOKEN, or PLATEN_TOKEN in the environment. npm run -s token -- --email you@example.com makes one.";

/** The server and the account that `--url` and `--token` name, or the environment; a refusal without a token. */
export function openApi(flags: { readonly url?: string | undefined; readonly token?: string | undefined }): Api {
  const token = flags.token ?? process.env.PLATEN_TOKEN;
  if (!token) throw new Refusal(TOKEN_NEEDED, 2);
  return new Api(readUrl(flags.url ?? "http://127.0.0.1:8787"), token);
}

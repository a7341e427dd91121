/** The agent's HTTP calls: paths, headers, bodies and time-outs of both dialects [V31]. */
import type { Clock } from "./clock.ts";
import { type Body, type Fields, formBody, multipartBody } from "./form.ts";
import { isJsonObject, readObject } from "./json.ts";
import { hexadecimal, type Random } from "./random.ts";
import type { HttpAnswer, HttpRequest, Transport } from "./transport.ts";

export const PYTHON_REQUESTS = {
  "User-Agent": "python-requests/2.28.1",
  "Accept-Encoding": "gzip, deflate",
  Accept: "*/*",
} as const;

const CALL_MS = 60_000;
const DOWNLOAD_MS = 30 * 60_000;

export interface LinkedPrinter {
  readonly id: number;
  readonly isPro: boolean;
  readonly name: string;
}

export class AgentHttp {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #token: string;

  constructor(options: { transport: Transport; clock: Clock; random: Random; token: string }) {
    this.#transport = options.transport;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#token = options.token;
  }

  /** Proves the token. `refused`: any status but 2xx, or no answer; `unreadable`: 2xx without what is needed. */
  async findPrinter(timeoutMs: number): Promise<LinkedPrinter | "refused" | "unreadable"> {
    const answer = await this.#call("GET", "/api/v1/octo/printer/", null, timeoutMs);
    if (!isFine(answer)) return "refused";
    const printer = readObject(textOf(answer))?.printer;
    if (!isJsonObject(printer) || typeof printer.id !== "number" || printer.id === 0) return "unreadable";
    return { id: printer.id, isPro: printer.is_pro === true, name: String(printer.name ?? "") };
  }

  /** Asks for a nozzle camera; any failure means that there is none. */
  async askNozzleCamera(printerId: number): Promise<void> {
    await this.#call("GET", `/ent/api/printers/${printerId}/ext/`, null, CALL_MS);
  }

  /** The server's id of a file; `refused`: not 2xx or no answer, `unreadable`: 2xx without an id. */
  async upsertFile(fields: Fields): Promise<{ id: unknown } | "refused" | "unreadable"> {
    const answer = await this.#call("POST", "/api/v1/octo/g_code_files/", formBody(fields), CALL_MS);
    if (!isFine(answer)) return "refused";
    const file = readObject(textOf(answer));
    return file !== null && "id" in file ? { id: file.id } : "unreadable";
  }

  async patchFile(id: unknown, fields: Fields): Promise<boolean> {
    return isFine(await this.#call("PATCH", `/api/v1/octo/g_code_files/${id}/`, formBody(fields), CALL_MS));
  }

  /** Posted once: no answer and no refusal leads to another try. */
  async postPicture(fields: Fields, jpeg: Uint8Array): Promise<void> {
    await this.#call("POST", "/api/v1/octo/pic/", multipartBody(fields, "pic", jpeg, this.#boundary()), CALL_MS);
  }

  /** False: refused, or no answer. */
  async postPrinterEvent(fields: Fields, snapshot: Uint8Array | null): Promise<boolean> {
    const body = snapshot === null ? formBody(fields) : multipartBody(fields, "snapshot", snapshot, this.#boundary());
    return isFine(await this.#call("POST", "/api/v1/octo/printer_events/", body, CALL_MS));
  }

  /** A file from the URL that the server gave; no credentials go there. Null when it could not be had. */
  async download(url: string): Promise<Uint8Array | null> {
    const request = { method: "GET", url, headers: PYTHON_REQUESTS, body: null } as const;
    const answer = await this.#within(DOWNLOAD_MS, request);
    return isFine(answer) ? answer.body : null;
  }

  #call(method: HttpRequest["method"], url: string, body: Body | null, timeoutMs: number) {
    const headers = {
      ...PYTHON_REQUESTS,
      Authorization: `Token ${this.#token}`,
      ...(body === null ? {} : { "Content-Type": body.contentType }),
    };
    return this.#within(timeoutMs, { method, url, headers, body: body?.bytes ?? null });
  }

  async #within(timeoutMs: number, request: HttpRequest): Promise<HttpAnswer | null> {
    const late = Promise.withResolvers<null>();
    const cancel = this.#clock.after(timeoutMs, () => late.resolve(null));
    const answer = await Promise.race([this.#transport.request(request), late.promise]);
    cancel();
    return answer;
  }

  #boundary(): string {
    return hexadecimal(this.#random, 32);
  }
}

function isFine(answer: HttpAnswer | null): answer is HttpAnswer {
  return answer !== null && answer.status >= 200 && answer.status < 300;
}

function textOf(answer: HttpAnswer): string {
  return new TextDecoder().decode(answer.body);
}

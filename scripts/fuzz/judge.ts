/** Whether an answer is one that the description has. */
import type { ValidateFunction } from "ajv/dist/2020.js";
import { type Description, type Operation, readFailureTable } from "./description.ts";
import type { Drawn } from "./draw.ts";
import { ODD_PATH } from "./faults.ts";
import type { Reply } from "./send.ts";

/** What a call may get whose path or method no operation has: pages, preflights, and what an odd path may be read as. */
const BESIDE = new Set([200, 201, 204, 304, 400, 401, 403, 404, 405, 413, 415, 422, 426, 429]);
/** Any call may be one too many. */
const THROTTLED = 429;
const METHOD_NOT_ALLOWED = 405;
const PROBLEM = "application/problem+json";
const WITHOUT_BODY = new Set([101, 204, 304]);

interface Problem {
  readonly status: number;
  readonly code: string;
  readonly request_id: string;
}

export class Judge {
  readonly #description: Description;
  readonly #failures = readFailureTable();

  constructor(description: Description) {
    this.#description = description;
  }

  /** The operation that the call reaches; null: none. */
  operationOf({ method, path, faults }: Pick<Drawn, "method" | "path" | "faults">): Operation | null {
    return faults.includes(ODD_PATH) ? null : this.#description.find(method, path.split("?", 1)[0] ?? "");
  }

  /** What is wrong with the answer, in words that are the same for the same mistake; null: nothing. */
  faultOf(call: Drawn, reply: Reply): string | null {
    const { status, headers } = reply;
    if (status >= 500) return `${status}`;
    if (headers["x-request-id"] === undefined) return `${status} without X-Request-Id`;
    const { expected } = call;
    if (expected !== null && status !== expected && status !== THROTTLED) return `${status} in place of ${expected}`;
    if (status >= 400) return this.#failureFault(reply) ?? this.#answerFault(call, reply);
    return this.#answerFault(call, reply);
  }

  #failureFault({ status, headers, body }: Reply): string | null {
    if (headers["content-type"] !== PROBLEM) return `${status} with Content-Type ${headers["content-type"]}`;
    // A HEAD's.
    if (body.length === 0) return null;
    const { status: told, code, request_id } = readJson(body) as Problem; // safe: the schema is judged beside
    const wanted = this.#failures.get(code);
    if (wanted?.status !== status || told !== status) return `${status} with code ${code} and status ${told}`;
    if (request_id !== headers["x-request-id"]) return `${status} with two request ids`;
    const missing = wanted.headers.find((name) => headers[name.toLowerCase()] === undefined);
    return missing === undefined ? null : `${status} ${code} without ${missing}`;
  }

  #answerFault(call: Drawn, reply: Reply): string | null {
    const { status, headers, body } = reply;
    const isEmpty = call.method === "HEAD" || WITHOUT_BODY.has(status);
    if (isEmpty && body.length > 0) return `${status} with a body`;
    const operation = this.operationOf(call);
    // A GET that changes something has no HEAD.
    if (operation === null || (call.method === "HEAD" && status === METHOD_NOT_ALLOWED))
      return BESIDE.has(status) ? null : `${status} beside the description`;
    const answer = operation.answers[status];
    if (answer === undefined) return `${status}, which is not described`;
    const missing = answer.headers.find((name) => headers[name] === undefined);
    if (missing !== undefined) return `${status} without ${missing}`;
    const [type] = (headers["content-type"] ?? "").split(";");
    const validate = answer.contents[type ?? ""];
    if (Object.keys(answer.contents).length === 0) return body.length === 0 ? null : `${status} with a body`;
    if (validate === undefined) return `${status} with Content-Type ${type}`;
    return isEmpty ? null : schemaFault(status, validate, body);
  }
}

function schemaFault(status: number, validate: ValidateFunction, body: Buffer): string | null {
  const value = readJson(body);
  if (value === undefined) return `${status} that is no JSON`;
  if (validate(value)) return null;
  const told = validate.errors?.map(({ instancePath, message }) => `${instancePath.replace(/\d+/g, "N")} ${message}`);
  return `${status} outside its schema: ${[...new Set(told)].slice(0, 3).join("; ")}`;
}

function readJson(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(body));
  } catch {
    return undefined;
  }
}

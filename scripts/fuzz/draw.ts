/** One call, drawn from the description, the round's stock and a seed alone: a valid one, with no fault, one, or several. */
import { pick, type Random } from "../virtual/random.ts";
import type { Description, Operation, Parameter, Schema } from "./description.ts";
import { FAULTS } from "./faults.ts";
import type { Wire } from "./send.ts";
import type { Noun, Stock } from "./stock.ts";
import { allowed, chance, integer, jsonText, plainText, some } from "./values.ts";

/** A call while it is drawn: a fault may change any of it. */
export interface Draft {
  readonly operation: Operation;
  method: string;
  /** Encoded. */
  path: string;
  /** Names and values, not encoded yet. */
  query: [name: string, value: string][];
  /** What stands after `?` instead. */
  rawQuery: string | null;
  headers: [name: string, value: string][];
  media: Media | null;
  fields: Record<string, unknown>;
  /** What is sent instead of the fields. */
  rawBody: Uint8Array | null;
  hangsUpAfter: number | null;
  from: string;
  /** The only status that this fault may lead to. */
  expected: number | null;
}

type Media = "application/json" | "application/x-www-form-urlencoded" | "multipart/form-data";

export interface Drawn extends Wire {
  readonly number: number;
  readonly operation: Operation;
  readonly expected: number | null;
  /** Names of the faults that it has. */
  readonly faults: readonly string[];
}

export interface Place {
  readonly description: Description;
  readonly stock: Stock;
  /** A printer, a print and so on of another account. */
  readonly foreign: Stock;
  /** The round's own address. */
  readonly address: string;
}

const VALID_SHARE = 0.35;
const ONE_FAULT_SHARE = 0.85;

export function draw(number: number, place: Place, random: Random): Drawn {
  const { operations } = place.description;
  const operation = operations[integer(random, 0, operations.length - 1)] as Operation; // safe: there are some
  const draft = validCall(operation, place, random);
  const faults: string[] = [];
  const count = chance(random, VALID_SHARE) ? 0 : chance(random, ONE_FAULT_SHARE) ? 1 : integer(random, 2, 4);
  while (faults.length < count) {
    const fault = pick(random, FAULTS);
    if (!fault.spoil(draft, { ...place, random })) continue;
    faults.push(fault.name);
  }
  const { method, headers, expected, hangsUpAfter, from } = draft;
  const body = draft.rawBody ?? encodedBody(draft, random);
  const query = draft.rawQuery ?? encodedQuery(draft.query);
  return {
    ...{ number, operation, method, headers, body, hangsUpAfter, from, faults },
    path: query === "" ? draft.path : `${draft.path}?${query}`,
    expected: faults.length === 1 ? expected : null,
  };
}

function validCall(operation: Operation, place: Place, random: Random): Draft {
  const { stock, description, address } = place;
  const drawn = (name: string, schema: Schema) => known(name, place, random) ?? allowed(description, schema, random);
  const [media, schema]: readonly [string | null, Schema] = some(random, operation.bodies) ?? [null, {}];
  const fields = (media === null ? {} : allowed(description, schema, random)) as Record<string, unknown>; // safe: bodies are objects
  const properties = (schema.properties ?? {}) as Record<string, Schema>; // safe: JSON Schema says so
  for (const name of Object.keys(fields)) fields[name] = drawn(name, properties[name] ?? {});
  const query = operation.parameters
    .filter((parameter) => parameter.in === "query" && (parameter.required || chance(random, 0.3)))
    .flatMap((parameter) => pairsOf(parameter, drawn(parameter.name, parameter.schema)));
  return {
    operation,
    method: operation.method,
    path: filledPath(operation.path, place, random),
    query,
    rawQuery: null,
    headers: [...headersOf(operation, random), ...credentialOf(operation, stock, random)],
    media: media as Media | null, // safe: what the body reader knows
    fields,
    rawBody: null,
    hangsUpAfter: null,
    from: operation.access === "open" ? `${address}.${integer(random, 1, 200)}` : `${address}.1`,
    expected: null,
  };
}

const NOUNS: Readonly<Record<string, Noun>> = {
  ...{ printerId: "printer", printId: "print", eventId: "event", fileId: "file", folderId: "folder" },
  ...{ tokenId: "token", codeId: "code" },
};

function filledPath(path: string, { stock }: Place, random: Random): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const noun = NOUNS[name];
    if (noun === undefined) return some(random, stock.commandIds) ?? "0".repeat(32);
    return String(idOf(noun, stock, random));
  });
}

/** Of the account; now and then a gone one, or one that nobody has. */
function idOf(noun: Noun, { own, gone }: Stock, random: Random): number {
  const ids = chance(random, 0.93) ? own[noun] : gone[noun];
  return some(random, ids) ?? integer(random, 1e9, 2e9);
}

const FIELD_NOUNS: Readonly<Record<string, Noun>> = {
  ...{ print_id: "print", g_code_file_id: "file", parent_folder: "folder", printer_id: "printer" },
  ...{ resident_printer: "printer", printer: "printer" },
};
const LIST_NOUNS: Readonly<Record<string, Noun>> = {
  ...{ file_ids: "file", folder_ids: "folder", print_ids: "print", "filter_by_printer_ids[]": "printer" },
};

/** What no schema tells of a field: which ids there are, what was handed out. */
function known(name: string, { stock }: Place, random: Random): unknown {
  if (chance(random, 0.1)) return undefined;
  const noun = FIELD_NOUNS[name];
  if (noun !== undefined) return idOf(noun, stock, random);
  const listed = LIST_NOUNS[name];
  // Few at a time: a round is to find things to the end.
  if (listed !== undefined) return Array.from({ length: integer(random, 0, 2) }, () => idOf(listed, stock, random));
  switch (name) {
    case "timezone":
      return pick(random, ["Europe/Berlin", "UTC", "America/St_Johns", "Pacific/Apia"]);
    case "from_date":
      return pick(random, ["2026-11-01", "2026-10-25"]);
    case "to_date":
      return pick(random, ["2026-11-30", "2027-01-01"]);
    case "expires_at":
      return pick(random, ["2099-01-01T00:00:00Z", null]);
    case "code":
    case "verification_code":
      return stock.code;
    case "one_time_passcode":
      return stock.passcode;
    case "device_id":
      return stock.deviceId;
    case "filename":
      return pick(random, ["cube.gcode", "Würfel.gcode", "a b.gcode", "x"]);
    default:
      return undefined;
  }
}

function pairsOf({ name }: Parameter, value: unknown): [string, string][] {
  if (Array.isArray(value)) return value.map((one) => [name, plainText(one)]);
  return [[name, plainText(value)]];
}

function headersOf({ parameters, method }: Operation, random: Random): [string, string][] {
  const names = parameters.filter((parameter) => parameter.in === "header").map(({ name }) => name);
  const values: Readonly<Record<string, readonly string[]>> = {
    "Idempotency-Key": [`key-${integer(random, 1, 30)}`, "k"],
    Prefer: ["wait=0", "wait=1", "respond-async, wait=2"],
    "If-None-Match": ['W/"x"', "*", 'W/"a", "b"'],
  };
  const drawn = names
    .filter(() => chance(random, 0.3))
    .map((name): [string, string] => [name, some(random, values[name] ?? []) ?? "x"]);
  return method === "GET" && chance(random, 0.1) ? [...drawn, ["Accept", "*/*"]] : drawn;
}

function credentialOf({ access, method }: Operation, { credentials }: Stock, random: Random): [string, string][] {
  const { full, read, write, agent } = credentials;
  if (access === "open") return [];
  if (access === "agent") return [["Authorization", `${pick(random, ["Token", "token"])} ${agent}`]];
  const scoped = method === "GET" ? read : write;
  const token = chance(random, 0.1) ? scoped : pick(random, full);
  return [
    chance(random, 0.2) ? ["X-API-Key", token] : ["Authorization", `${pick(random, ["Bearer", "bearer"])} ${token}`],
  ];
}

function encodedQuery(pairs: readonly (readonly [string, string])[]): string {
  return pairs.map(([name, value]) => `${percent(name)}=${percent(value)}`).join("&");
}

export function percent(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

const BOUNDARY = "----fuzz7MA4YWxkTrZu0gW";

/** The fields as their media type writes them; its header is added. */
function encodedBody(draft: Draft, random: Random): Uint8Array | null {
  const { media, fields } = draft;
  if (media === null || draft.method === "GET" || draft.method === "HEAD") return null;
  const type = media === "multipart/form-data" ? `${media}; boundary=${BOUNDARY}` : media;
  if (!draft.headers.some(([name]) => name.toLowerCase() === "content-type"))
    draft.headers.push(["Content-Type", type]);
  if (media === "application/json") return Buffer.from(jsonText(fields));
  const pairs = Object.entries(fields).flatMap(([name, value]) => pairsOf({ name } as Parameter, value)); // safe: it reads the name
  if (media === "multipart/form-data") return multipart(pairs, BOUNDARY);
  return Buffer.from(chance(random, 0.5) ? encodedQuery(pairs) : new URLSearchParams(pairs).toString());
}

/** Parts called `file`, `pic` and `snapshot` are files, in Latin-1 as they were drawn. */
export function multipart(pairs: readonly (readonly [string, string])[], boundary: string): Uint8Array {
  const parts = pairs.map(([name, value]) => {
    const isFile = /^(file|pic|snapshot)$/.test(name);
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name.replaceAll('"', "%22")}"`;
    const rest = isFile ? '; filename="a.gcode"\r\nContent-Type: application/octet-stream' : "";
    return Buffer.concat([
      Buffer.from(`${head}${rest}\r\n\r\n`),
      Buffer.from(value.toWellFormed(), isFile ? "latin1" : "utf8"),
      Buffer.from("\r\n"),
    ]);
  });
  return Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]);
}

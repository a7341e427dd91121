/** What can be wrong with a call: each fault spoils one thing of a draft. */
import { pick, type Random } from "../virtual/random.ts";
import { type Draft, multipart, type Place, percent } from "./draw.ts";
import type { Stock } from "./stock.ts";
import { anyJson, chance, integer, jsonText, odd, plainText, some } from "./values.ts";

type Chance = Place & { readonly random: Random };

export interface Fault {
  readonly name: string;
  /** False where this draft has nothing that it could spoil. */
  readonly spoil: (draft: Draft, place: Chance) => boolean;
}

function setHeader(draft: Draft, name: string, value: string): void {
  const others = draft.headers.filter(([other]) => other.toLowerCase() !== name.toLowerCase());
  draft.headers = [...others, [name, value]];
}

function setBody(draft: Draft, type: string | null, body: string | Uint8Array): boolean {
  if (draft.method === "GET") return false;
  draft.rawBody = typeof body === "string" ? Buffer.from(body) : body;
  if (type !== null) setHeader(draft, "Content-Type", type);
  return true;
}

const JSON_TYPE = "application/json";
const FORM_TYPE = "application/x-www-form-urlencoded";

/** Bytes that are no UTF-8. */
const BROKEN = Buffer.from([0x61, 0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80]);

const ODD_IDS = [
  ...["0", "-1", "01", "+1", "1.0", "1e3", "9007199254740992", "9007199254740993", "99999999999999999999", "abc"],
  ...["%00", "%20", "1%20", "%F0%9F", "null", "%2e%2e", "__proto__", "%EF%BC%91", "1;x=2"],
] as const;

const CHARSETS = [
  ...[
    "iso-8859-1",
    "windows-1252",
    "utf-16",
    "utf-16le",
    "utf-7",
    "shift_jis",
    "gb18030",
    "x-user-defined",
    "ebcdic-xyz",
  ],
  ...["", '"utf-8"', "utf-8; charset=latin1", "UTF8", "'utf-8'", "%", "replacement"],
] as const;

const ODD_TYPES = [
  ...["text/plain", "application/xml", "application/jsonx", "APPLICATION/JSON", "application/json;", ";", "*/*", "a"],
  ...[
    "multipart/form-data",
    "multipart/form-data; boundary=",
    'multipart/form-data; boundary="',
    "multipart/mixed; boundary=x",
  ],
  ...["application/problem+json", "application/json, text/plain", "\u00fc/\u00fc", "application/octet-stream"],
] as const;

const ODD_NAMES = [
  ...[
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "prototype",
    "valueOf",
    "push",
    "length",
    "",
    "[]",
    "a[b]",
  ],
  ...["name\u0000x", "🙂", "non_field_errors", "$ref", "a.b", "then"],
] as const;

const UNAUTHENTICATED = 401;

function credential(name: string, headers: (stock: Stock, random: Random) => (readonly [string, string])[]): Fault {
  return {
    name,
    spoil: (draft, { stock, random }) => {
      if (draft.operation.access === "open") return false;
      const others = draft.headers.filter(([header]) => !/^(authorization|x-api-key)$/i.test(header));
      draft.headers = [
        ...others,
        ...headers(stock, random).map(([header, value]): [string, string] => [header, value]),
      ];
      draft.expected = UNAUTHENTICATED;
      return true;
    },
  };
}

const bearer = (token: string): [string, string][] => [["Authorization", `Bearer ${token}`]];

const CREDENTIALS: readonly Fault[] = [
  credential("no credential", () => []),
  credential("an odd credential", (_, random) => [
    pick(random, [
      ["Authorization", ""],
      ["Authorization", "Bearer"],
      ["Authorization", "Basic YTpi"],
      ["Authorization", "Bearer plt_"],
      ["Authorization", `Bearer plt_${"A".repeat(43)}`],
      ["Authorization", "Bearer a.b.c"],
      ["Authorization", "Bearer eyJhbGciOiJub25lIn0.e30."],
      ["Authorization", `Token ${"z".repeat(64)}`],
      ["Authorization", "Token \u00ff"],
      ["X-API-Key", "x".repeat(4000)],
    ]),
  ]),
  credential("a revoked or expired token", ({ credentials }, random) =>
    bearer(pick(random, [credentials.revoked, credentials.expired])),
  ),
  credential("a dead agent's token", ({ credentials: { deadAgents } }, random) => [
    ["Authorization", `${pick(random, ["Token", "Bearer"])} ${pick(random, deadAgents)}`],
  ]),
  {
    name: "the other kind's token",
    spoil: (draft, { stock: { credentials } }) => {
      if (draft.operation.access === "open") return false;
      const isAgents = draft.operation.access === "agent";
      draft.headers = draft.headers.filter(([name]) => !/^(authorization|x-api-key)$/i.test(name));
      draft.headers.push(["Authorization", isAgents ? `Bearer ${credentials.full[0]}` : `Token ${credentials.agent}`]);
      draft.expected = UNAUTHENTICATED;
      return true;
    },
  },
  {
    name: "the other scope",
    spoil: (draft, { stock: { credentials } }) => {
      const { access, needsWrite } = draft.operation;
      if (access !== "user") return false;
      draft.headers = draft.headers.filter(([name]) => !/^(authorization|x-api-key)$/i.test(name));
      draft.headers.push(...bearer(needsWrite ? credentials.read : credentials.write));
      draft.expected = 403;
      return true;
    },
  },
];

/** What it is read as is the runtime's decision. */
export const ODD_PATH = "an odd path";

/** The agent's own token may be dead by now: an earlier call deleted its printer. */
function notFoundFor({ operation }: Draft): number | null {
  return operation.access === "agent" ? null : 404;
}

const PATHS: readonly Fault[] = [
  {
    name: "an odd id",
    spoil: (draft, { random }) => {
      if (!draft.operation.path.includes("{")) return false;
      draft.path = draft.operation.path.replace(/\{\w+\}/g, () => pick(random, ODD_IDS));
      draft.expected = notFoundFor(draft);
      return true;
    },
  },
  {
    name: "another account's id",
    spoil: (draft, { foreign }) => {
      const [, name = ""] = /\{(\w+)Id\}/.exec(draft.operation.path) ?? [];
      const id = foreign.own[name as keyof Stock["own"]]?.[0]; // safe: undefined for what is none
      if (id === undefined) return false;
      draft.path = draft.operation.path.replace(/\{\w+\}/, String(id)).replace(/\{\w+\}/, "0".repeat(32));
      draft.expected = notFoundFor(draft);
      return true;
    },
  },
  {
    name: "no last slash",
    spoil: (draft) => {
      draft.path = draft.path.replace(/(.)\/$/, "$1");
      return true;
    },
  },
  {
    name: ODD_PATH,
    spoil: (draft, { random }) => {
      const { path } = draft;
      draft.path = pick(random, [
        `/${path}`,
        `${path}/`,
        path.replace("/v1/", "//v1/"),
        path.replace("/v1/", "/v1/./"),
        path.replace("/v1/", "/v1/%2e%2e/v1/"),
        path.toUpperCase(),
        `${path}%00`,
        `${path}%`,
        path.replace(/([^/])\/([^/]*)\/?$/, "$1%2F$2"),
        `${path}..;/`,
        `${path}${"a/".repeat(500)}`,
      ]);
      return true;
    },
  },
  {
    name: "a path that is none",
    spoil: (draft, { random }) => {
      draft.path = pick(random, [
        ...[
          "/",
          "//",
          "/docs",
          "/app/",
          "/app/?one_time_passcode=%3Cb%3E",
          "/openapi.json",
          "/ws/dev/",
          "/ws/dev",
          "/ws/web/1/",
        ],
        ...[
          "/files/1/x",
          "/files/1/x?token=a.b.c",
          "/files/%00/x",
          "/api/",
          "/api/v1/",
          "/api/v2/printers/",
          "/favicon.ico",
        ],
        ...["/api/v1/octo/", "/ent/api/", "/robots.txt", "/api/v1/printers/1/nothing/", "/api/v1/prints/bulk_delete"],
        `/${percent(plainText(odd(random)))}/${percent(plainText(odd(random)))}`,
      ] as const);
      return true;
    },
  },
  {
    name: "another method",
    spoil: (draft, { random }) => {
      draft.method = pick(random, [
        ...[
          "PUT",
          "PATCH",
          "DELETE",
          "POST",
          "GET",
          "HEAD",
          "OPTIONS",
          "PURGE",
          "PROPFIND",
          "SEARCH",
          "LOCK",
          "REPORT",
        ],
      ] as const);
      return draft.method !== draft.operation.method;
    },
  },
];

const QUERIES: readonly Fault[] = [
  {
    name: "an odd value in the query",
    spoil: (draft, { random }) => {
      const parameter = some(
        random,
        draft.operation.parameters.filter((one) => one.in === "query"),
      );
      if (parameter === undefined) return false;
      draft.query = draft.query.filter(([name]) => name !== parameter.name);
      draft.query.push([parameter.name, plainText(odd(random))]);
      return true;
    },
  },
  {
    name: "a key of the query twice",
    spoil: (draft, { random }) => {
      const pair = some(random, draft.query);
      if (pair === undefined) return false;
      draft.query.push(pair, [pair[0], plainText(odd(random))]);
      return true;
    },
  },
  {
    name: "an unknown key in the query",
    spoil: (draft, { random }) => {
      draft.query.push([pick(random, ODD_NAMES), plainText(odd(random))]);
      return true;
    },
  },
  {
    name: "a query that is none",
    spoil: (draft, { random }) => {
      const name = some(random, draft.operation.parameters)?.name ?? "a";
      draft.rawQuery = pick(random, [
        ...["%", "%zz", "&&==&", "?", "a=%FF", "=", "%00=%00", "a=1;b=2", "+", "[]=1", "a[]=", "#"],
        ...[`${name}=%FF`, `${name}=%E0%80%80`, `${name}`, `${name}=`, `${name}=%`, `${name}[]=1`],
        `${name}=${"x".repeat(6000)}`,
        `${"a=1&".repeat(1500)}`,
      ] as const);
      return true;
    },
  },
];

const HEADERS: readonly Fault[] = [
  {
    name: "an odd header",
    spoil: (draft, { random }) => {
      const [name, value] = pick(random, [
        ["Idempotency-Key", ""],
        ["Idempotency-Key", "x".repeat(256)],
        ["Idempotency-Key", "schl\u00fcssel"],
        ["Prefer", "wait"],
        ["Prefer", "wait=-1"],
        ["Prefer", "wait=1e3, wait=99999999999"],
        ["Prefer", ',;="wait"'],
        ["If-None-Match", '"'],
        ["If-None-Match", "W/"],
        ["If-None-Match", `"${"x".repeat(3000)}`],
        ["If-Match", "*"],
        ["If-Modified-Since", "yesterday"],
        ["If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"],
        ["Range", "bytes=0-0"],
        ["Accept", "image/png;q=x"],
        ["Accept-Language", "\u00ff"],
        ["Accept-Encoding", "br, zstd;q=2"],
        ["Content-Encoding", "gzip"],
        ["Origin", "null"],
        ["Origin", "https://example.com"],
        ["Access-Control-Request-Method", "PURGE"],
        ["X-Forwarded-For", "1.2.3.4, 5.6.7.8"],
        ["X-Forwarded-Proto", "gopher"],
        ["X-Forwarded-Host", "evil.example"],
        ["X-HTTP-Method-Override", "DELETE"],
        ["CF-Connecting-IP", "not an address"],
        ["X-Request-Id", "a\u00ffb"],
        ["X-Request-Id", "x".repeat(300)],
        ["Cookie", "a=b; sessionid=1"],
        ["Host", "example.com"],
        ["Upgrade", "h2c"],
        ["Content-Language", "de"],
        ["traceparent", "00-zz"],
      ] as const);
      setHeader(draft, name, value);
      return true;
    },
  },
  {
    name: "an odd Content-Type",
    spoil: (draft, { random }) => {
      if (draft.media === null) return false;
      setHeader(draft, "Content-Type", pick(random, ODD_TYPES));
      return true;
    },
  },
  {
    name: "a charset",
    spoil: (draft, { random }) => {
      if (draft.media === "multipart/form-data" || draft.method === "GET") return false;
      const type = draft.media ?? pick(random, [JSON_TYPE, FORM_TYPE]);
      if (draft.media === null) draft.rawBody = Buffer.from(type === JSON_TYPE ? "{}" : "x=1");
      setHeader(draft, "Content-Type", `${type}; charset=${pick(random, CHARSETS)}`);
      return true;
    },
  },
];

const FIELDS: readonly Fault[] = [
  {
    name: "an odd value in the body",
    spoil: (draft, { random }) => {
      const [, schema] = some(random, draft.operation.bodies) ?? [];
      const name = some(random, Object.keys((schema?.properties ?? {}) as object));
      if (name === undefined) return false;
      draft.fields[name] = odd(random);
      return true;
    },
  },
  {
    name: "a field less",
    spoil: (draft, { random }) => {
      const name = some(random, Object.keys(draft.fields));
      if (name === undefined) return false;
      delete draft.fields[name];
      return true;
    },
  },
  {
    name: "an unknown field",
    spoil: (draft, { random }) => {
      if (draft.media === null) return false;
      const name = pick(random, ODD_NAMES);
      const value = anyJson(random);
      Object.defineProperty(draft.fields, name, { value, enumerable: true, configurable: true, writable: true });
      return true;
    },
  },
];

const BODIES: readonly Fault[] = [
  {
    name: "a body that is no JSON object",
    spoil: (draft, { random }) =>
      setBody(
        draft,
        JSON_TYPE,
        pick(random, [
          ...["[]", "null", "1", '"text"', "{", "{}{}", '{"a":1,}', "\ufeff{}", '{"a":NaN}', "", " ", "\0", "{'a':1}"],
          ...[
            '{"__proto__":{"a":1}}',
            '{"name":"a","name":1}',
            '{"constructor":{"prototype":{"x":1}}}',
            "true",
            '{"\\ud800":1}',
          ],
          jsonText(anyJson(random, 6)),
        ] as const),
      ),
  },
  {
    name: "JSON without a bottom",
    spoil: (draft, { random }) => {
      const depth = pick(random, [31, 32, 33, 100, 5000, 30_000]);
      const [open, close] = pick(random, [
        ["[", "]"],
        ['{"a":', "}"],
      ] as const);
      const text = `{"name":${open.repeat(depth)}1${close.repeat(depth)}}`;
      return setBody(draft, JSON_TYPE, text);
    },
  },
  {
    name: "a body that is large",
    spoil: (draft, { random }) => {
      const bytes = pick(random, [65_535, 65_536, 65_537, 70_000, 300_000]);
      const type = pick(random, [JSON_TYPE, FORM_TYPE]);
      const [head, tail] = type === JSON_TYPE ? ['{"name":"', '"}'] : ["name=", ""];
      return setBody(draft, type, head + "x".repeat(bytes - head.length - tail.length) + tail);
    },
  },
  {
    name: "bytes that are no text",
    spoil: (draft, { random }) => {
      const name = Object.keys(draft.fields)[0] ?? "name";
      const [type, head, tail] = pick(random, [
        [JSON_TYPE, `{"${name}":"`, '"}'],
        [FORM_TYPE, `${name}=`, ""],
        [FORM_TYPE, `${name}=%FF%C3%28&`, ""],
        [
          "multipart/form-data; boundary=x",
          `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`,
          "\r\n--x--\r\n",
        ],
        ["multipart/form-data; boundary=x", '--x\r\nContent-Disposition: form-data; name="', '"\r\n\r\n1\r\n--x--\r\n'],
        [null, "", ""],
      ] as const);
      return setBody(draft, type, Buffer.concat([Buffer.from(head), BROKEN, Buffer.from(tail)]));
    },
  },
  {
    name: "an odd form",
    spoil: (draft, { random }) =>
      setBody(
        draft,
        FORM_TYPE,
        pick(random, [
          ...[
            "x=1",
            "&",
            "=",
            "a=%",
            "a=%zz&b",
            '{"name":"a"}',
            "name=a&name=b",
            "__proto__=1&push=2",
            "a[b]=c",
            "%00=%00",
          ],
          ...["name=+%20+", "print_id=1e1", "print_id=0x1", "name=K%FCche", `${"a=1&".repeat(3000)}`],
        ] as const),
      ),
  },
  {
    name: "odd names of parts",
    spoil: (draft, { random }) => {
      const pairs = Object.entries(draft.fields).map(([name, value]): [string, string] => [name, plainText(value)]);
      // `__proto__` and then `push` break whoever keeps them in an object that is no map.
      const names = chance(random, 0.3) ? ODD_NAMES.slice(0, 4) : ODD_NAMES;
      const odds = Array.from({ length: integer(random, 1, 4) }, (): [string, string] => [
        some(random, names) ?? "",
        "1",
      ]);
      const all = chance(random, 0.5) ? [...odds, ...pairs] : [...pairs, ...odds];
      return setBody(draft, "multipart/form-data; boundary=x", multipart(all, "x"));
    },
  },
  {
    name: "odd parts",
    spoil: (draft, { random }) => {
      const part = (head: string, body = "1") => `--x\r\n${head}\r\n\r\n${body}\r\n`;
      const named = 'Content-Disposition: form-data; name="filename"';
      return setBody(
        draft,
        "multipart/form-data; boundary=x",
        pick(random, [
          ...["", "--x--", "--x--\r\n", "--x\r\n", "no delimiter", "--x\r\n\r\n--x--", "--y\r\n--y--"],
          part(named),
          `${part("Content-Disposition: form-data; filename=a")}--x--`,
          `${part("Content-Type: text/plain")}--x--`,
          `${part(`${named}; filename="a"`)}--x--`,
          `${part(`${named}\r\nContent-Type: text/plain; charset=ebcdic`)}--x--`,
          `${part(`${named}\r\nContent-Transfer-Encoding: base64`, "eA==")}--x--`,
          `${part("Content-Disposition: form-data; name*=UTF-8''filename")}--x--`,
          `${part("Content-Disposition: form-data; name=file; filename=a.gcode", "G28\n") + part(named, "a")}--x--`,
          part("Content-Disposition: form-data; name=file; filename=a.gcode", "\u0000\u0001") +
            part(named, "a") +
            "--x--",
          `${part("Content-Disposition: form-data; name=file; filename=a.gcode", "") + part(named, "a")}--x--`,
          `${part("Content-Disposition: form-data; name=file", "G28\n").repeat(2) + part(named, "a")}--x--`,
          `${part("Content-Disposition: form-data; name=pic; filename=a.jpg", "\u00ff\u00d8\u00ff")}--x--`,
          `${part("X: y".repeat(3000))}--x--`,
          `${part(named).replaceAll("\r\n", "\n")}--x--`,
          `${part(named).repeat(300)}--x--`,
          `${part(named)}--x--${part(named)}`,
        ] as const),
      );
    },
  },
  {
    name: "a caller that hangs up",
    spoil: (draft, { random }) => {
      if (draft.method === "GET") return false;
      const length = pick(random, [100, 60_000, 2_000_000]);
      setHeader(draft, "Content-Length", String(length));
      draft.hangsUpAfter = pick(random, [0, 10, 99]);
      return setBody(
        draft,
        pick(random, [JSON_TYPE, FORM_TYPE, "multipart/form-data; boundary=x"]),
        "--x\r\n".repeat(30),
      );
    },
  },
  {
    name: "a body where none belongs",
    spoil: (draft) => {
      if (draft.media !== null) return false;
      draft.rawBody = Buffer.from('{"a":1}');
      setHeader(draft, "Content-Type", JSON_TYPE);
      return true;
    },
  },
];

export const FAULTS = [
  ...(CREDENTIALS as [Fault, ...Fault[]]), // safe: it has some
  ...PATHS,
  ...QUERIES,
  ...HEADERS,
  ...FIELDS,
  ...BODIES,
] as const;

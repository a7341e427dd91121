/** The vars and the secret of a deployment, read from its bindings; `wrangler.toml` declares them. */
import type { AgentKey } from "./domain/agent-key.ts";
import { bytesOfBase64Url } from "./domain/encoding.ts";
import type { Failure } from "./domain/failure.ts";
import { DAY_MS } from "./domain/local-day.ts";
import { err, ok, type Result } from "./domain/result.ts";

export interface Settings {
  /** Never empty; the first is the newest and signs, all verify. */
  readonly agentKeys: readonly [AgentKey, ...AgentKey[]];
  /** Printers one account may hold. */
  readonly maxPrinters: number;
  /** What URLs that are handed out begin with, without a last slash; null: what the call began with ([H74]). */
  readonly publicOrigin: string | null;
  /** Whether `X-Forwarded-…` headers count: only with a proxy in front that sets them itself. */
  readonly trustsProxy: boolean;
  /** Null unless issuer, audience and a key set's URL are all there ([S19]). */
  readonly signIn: SignInSettings | null;
}

/** The identity provider whose JWTs count. */
export interface SignInSettings {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: string;
}

const DEFAULT_MAX_PRINTERS = 1000;
const DEFAULT_RETENTION_DAYS = 180;
const MIN_KEY_BYTES = 32;
const AGENT_KEY = /^([0-9a-z]{1,4}):([\w-]+)$/;

const NOT_CONFIGURED = {
  code: "not_configured",
  variable: "AGENT_KEYS",
  command: `node -e 'console.log("k1:" + crypto.randomBytes(32).toString("base64url"))' | npx wrangler secret put AGENT_KEYS`,
} as const satisfies Failure;

const BAD_ORIGIN = {
  code: "not_configured",
  variable: "PUBLIC_ORIGIN",
  command: 'PUBLIC_ORIGIN = "https://printers.example.com" under [vars] in wrangler.toml',
} as const satisfies Failure;

/** `read`, which is asked once for the same text: while a deployment lives, its vars and its secret do not change. */
export function readOnce<T>(read: (text: string) => T): (text: string) => T {
  let last: { readonly text: string; readonly value: T } | null = null;
  return (text) => {
    if (last?.text !== text) last = { text, value: read(text) };
    return last.value;
  };
}

/** `not_configured` when the secret is missing or any of its keys cannot be read, or the origin is none. */
export function readSettings(env: Env): Result<Settings> {
  const agentKeys = readAgentKeys(env.AGENT_KEYS ?? "");
  if (agentKeys === null) return err(NOT_CONFIGURED);
  const publicOrigin = readPublicOrigin(env.PUBLIC_ORIGIN ?? "");
  if (publicOrigin === undefined) return err(BAD_ORIGIN);
  return ok({
    agentKeys,
    publicOrigin,
    trustsProxy: /^(?:1|true|yes|on)$/i.test(env.TRUST_PROXY ?? ""),
    maxPrinters: readCount(env.MAX_PRINTERS, DEFAULT_MAX_PRINTERS),
    signIn: readSignInSettings(env.JWT_ISSUER, env.JWT_AUDIENCE, env.JWT_JWKS_URL),
  });
}

/** Null without a text; undefined for one that nobody could call. */
const readPublicOrigin = readOnce((text): string | null | undefined => {
  if (text === "") return null;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || `${url.username}${url.search}${url.hash}` !== "")
    return undefined;
  return url.origin + url.pathname.replace(/\/+$/, "");
});

/** Origins of the var `CORS_ORIGINS` that browsers may call from; `*`: any. */
export function readCorsOrigins(text: string): "*" | string[] {
  const origins = text.split(",").map((origin) => origin.trim());
  return origins.includes("*") ? "*" : origins.filter((origin) => origin !== "");
}

/** Milliseconds for which events and ended commands are kept. */
export function readRetention(env: Env): number {
  return readCount(env.RETENTION_DAYS, DEFAULT_RETENTION_DAYS) * DAY_MS;
}

function readSignInSettings(issuer = "", audience = "", jwksUrl = ""): SignInSettings | null {
  return issuer === "" || audience === "" || !isKeySetUrl(jwksUrl) ? null : { issuer, audience, jwksUrl };
}

/** Whoever can change the keys in transit can sign in as anybody: only loopback may go without TLS. */
function isKeySetUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null) return false;
  const isLoopback = url.hostname === "localhost" || url.hostname === "127.0.0.1" || url.hostname === "[::1]";
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopback);
}

/** `id:base64url-key` pairs, comma separated. */
const readAgentKeys = readOnce((text): Settings["agentKeys"] | null => {
  const keys = text.split(",").map(readAgentKey);
  const [newest, ...older] = keys.filter((key) => key !== null);
  const ids = new Set(keys.map((key) => key?.id));
  return newest !== undefined && older.length === keys.length - 1 && ids.size === keys.length
    ? [newest, ...older]
    : null;
});

function readAgentKey(pair: string): AgentKey | null {
  const [, id, encoded] = AGENT_KEY.exec(pair.trim()) ?? [];
  if (id === undefined || encoded === undefined) return null;
  const secret = bytesOfBase64Url(encoded);
  return secret !== null && secret.byteLength >= MIN_KEY_BYTES ? { id, secret } : null;
}

function readCount(text: string | undefined, otherwise: number): number {
  return /^\d{1,9}$/.test(text ?? "") ? Number(text) : otherwise;
}

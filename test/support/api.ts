/** REST calls through the whole Worker, by accounts of a test's own. */
import { env, exports } from "cloudflare:workers";
import { drawApiToken } from "../../src/credentials/api-token.ts";
import { digest } from "../../src/credentials/digest.ts";
import { connect } from "../../src/db/client.ts";
import { apiTokens, users } from "../../src/db/schema/accounts.ts";
import { ScriptedAgent } from "./printer.ts";

export const ORIGIN = "https://platen.test";

const db = connect(env.DB);

export interface Account {
  readonly userId: number;
  /** Of a token with both scopes. */
  readonly token: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON; null without a body. */
  // biome-ignore lint/suspicious/noExplicitAny: tests assert the shape
  readonly body: any;
}

export interface CallOptions {
  /** An API token; sent as a bearer. */
  readonly token?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is. */
  readonly raw?: BodyInit;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
  return answerOf(await exports.default.fetch(requestOf(method, path, options)));
}

export function requestOf(method: string, path: string, options: CallOptions): Request {
  const headers = new Headers(options.headers);
  if (options.token !== undefined) headers.set("Authorization", `Bearer ${options.token}`);
  if (options.body !== undefined) headers.set("Content-Type", "application/json");
  const body = options.body === undefined ? (options.raw ?? null) : JSON.stringify(options.body);
  return new Request(`${ORIGIN}${path}`, { method, headers, body });
}

export async function answerOf(response: Response): Promise<Answer> {
  const text = new TextDecoder().decode(await response.arrayBuffer());
  const isJson = /json/.test(response.headers.get("Content-Type") ?? "");
  return {
    status: response.status,
    headers: response.headers,
    body: isJson && text !== "" ? JSON.parse(text) : text || null,
  };
}

export async function makeAccount(): Promise<Account> {
  const [user] = await db.insert(users).values({ unsubToken: crypto.randomUUID(), createdAt: Date.now() }).returning();
  if (user === undefined) throw new Error("no user");
  return { userId: user.id, token: await makeToken(user.id) };
}

export async function makeToken(userId: number, patch: Partial<typeof apiTokens.$inferInsert> = {}): Promise<string> {
  const token = drawApiToken();
  const row = { userId, name: "test", canRead: true, canWrite: true, createdAt: Date.now() };
  await db.insert(apiTokens).values({ ...row, hash: await digest(token), ...patch });
  return token;
}

/** A printer made over REST. */
export async function makePrinterOf(account: Account, body: object = { name: "Bench" }) {
  const { status, body: printer } = await call("POST", "/api/v1/printers/", { token: account.token, body });
  if (status !== 201) throw new Error(`no printer: ${status}`);
  return printer as { readonly id: number; readonly auth_token: string };
}

/** An agent's socket through `/ws/dev/`, as the real ones dial. */
export async function dialAgent(authToken: string, origin = ORIGIN): Promise<Response> {
  const headers = { Upgrade: "websocket", authorization: `bearer ${authToken}` };
  return exports.default.fetch(`${origin}/ws/dev/`, { headers });
}

export async function connectAgentOf(
  printer: { readonly auth_token: string },
  origin = ORIGIN,
): Promise<ScriptedAgent> {
  const { webSocket, status } = await dialAgent(printer.auth_token, origin);
  if (webSocket === null) throw new Error(`the upgrade was refused: ${status}`);
  return new ScriptedAgent(webSocket);
}

/** A call of a printer's agent over HTTP. */
export function agentCall(
  method: string,
  path: string,
  authToken: string,
  options: Omit<CallOptions, "token"> = {},
): Promise<Answer> {
  return call(method, path, { ...options, headers: { ...options.headers, Authorization: `Token ${authToken}` } });
}

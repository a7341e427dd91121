/** The calls of linking through the whole Worker, from addresses of a test's own. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import type { HttpRequest, Transport } from "../../scripts/virtual/transport.ts";
import { app } from "../../src/app.ts";
import { type Answer, call, ORIGIN } from "./api.ts";
import { freshIp } from "./linking.ts";

export function from(ip: string): Record<string, string> {
  return { "CF-Connecting-IP": ip };
}

/** A code of that account, for that printer if one is named. */
export async function askCode(
  token: string,
  printerId?: number,
): Promise<{ readonly id: number; readonly code: string }> {
  const query = printerId === undefined ? "" : `?printer_id=${printerId}`;
  const { status, body } = await call("GET", `/api/v1/onetimeverificationcodes/${query}`, { token });
  if (status !== 200) throw new Error(`no code: ${status}`);
  return body;
}

export async function readCode(token: string, id: number) {
  return (await call("GET", `/api/v1/onetimeverificationcodes/${id}/`, { token })).body;
}

/** As an agent verifies: nothing but the code. */
export function verify(code: string, ip = freshIp()): Promise<Answer> {
  return call("POST", `/api/v1/octo/verify/?code=${code}`, { headers: from(ip) });
}

/** Vars are any text. */
export type Bindings = { readonly [K in keyof Env]?: Env[K] extends string ? string : Env[K] };

/** The same on a Worker with other bindings. */
export async function verifyOn(changes: Bindings, code: string, ip = freshIp()): Promise<Answer> {
  const ctx = createExecutionContext();
  const request = new Request(`${ORIGIN}/api/v1/octo/verify/?code=${code}`, { method: "POST", headers: from(ip) });
  const response = await app.fetch(request, { ...env, ...changes }, ctx);
  await waitOnExecutionContext(ctx);
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** A network whose every call comes from that address. */
export function networkFrom(ip: string): Transport {
  return {
    async request({ method, url, headers, body }: HttpRequest) {
      const init = { method, headers: { ...headers, ...from(ip) }, body: body === null ? null : new Uint8Array(body) };
      const response = await exports.default.fetch(ORIGIN + url, init);
      return { status: response.status, body: new Uint8Array(await response.arrayBuffer()) };
    },
    dial: async () => null,
  };
}

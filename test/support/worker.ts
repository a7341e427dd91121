/** The HTTP program with bindings of the test's own: a metered D1, or the vars of a deployment. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { app } from "../../src/app.ts";
import { type Answer, answerOf, type CallOptions, requestOf } from "./api.ts";

export async function callWith(
  bindings: { readonly [Name in keyof Env]?: Env[Name] | string | undefined },
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<Answer> {
  const ctx = createExecutionContext();
  const answer = await answerOf(await app.fetch(requestOf(method, path, options), { ...env, ...bindings }, ctx));
  await waitOnExecutionContext(ctx);
  return answer;
}

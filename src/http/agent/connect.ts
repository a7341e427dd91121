/** Agents dial in here. What is wrong is refused with a status before an object wakes, because that is billed ([A1]). */
import { Hono } from "hono";
import { UNAVAILABLE } from "../../domain/failure.ts";
import { CREDENTIAL_HEADERS } from "../../printer/rpc.ts";
import { authenticateAgentSocket, unauthenticated } from "../kit/auth.ts";
import type { HttpEnv } from "../kit/context.ts";
import { FailureError } from "../kit/errors.ts";
import { dialledOrigin } from "../kit/origin.ts";
import { fetchPrinter } from "../kit/printer-call.ts";

export const connect = new Hono<HttpEnv>().get("/ws/dev", async (c) => {
  if (c.req.header("Upgrade")?.toLowerCase() !== "websocket") throw new FailureError({ code: "upgrade_required" });
  const { printerId, uid, generation, keyId } = await authenticateAgentSocket(c);
  const headers = {
    Upgrade: "websocket",
    [CREDENTIAL_HEADERS.uid]: uid,
    [CREDENTIAL_HEADERS.generation]: String(generation),
    [CREDENTIAL_HEADERS.keyId]: keyId,
  };
  const origin = dialledOrigin(c);
  const answer = await fetchPrinter(c, printerId, () => new Request(`${origin}/ws/dev/`, { headers }));
  if (answer.status === 503) throw new FailureError(UNAVAILABLE);
  if (answer.status !== 101) throw unauthenticated("invalid", "api");
  return answer;
});

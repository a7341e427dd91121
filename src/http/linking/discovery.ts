/**
 * Agents without a token, and how their owner's code reaches them: by a passcode that the printer shows, or by a message to
 * an agent at the owner's own address, which takes it only with the secret that it showed on its local network ([S52]).
 */
import { Hono } from "hono";
import * as z from "zod";
import { connect } from "../../db/client.ts";
import {
  claimPasscode,
  insertMessage,
  listUnlinkedAgents,
  type Poll,
  type PollAnswer,
  pollUnlinked,
} from "../../db/discovery.ts";
import { findLiveCode } from "../../db/linking.ts";
import { notFound } from "../../domain/failure.ts";
import { normalizeCode } from "../../domain/linking.ts";
import { isKnownSource, readSource } from "../kit/address.ts";
import { BODY_BYTES, type BodyRule, readBody } from "../kit/body.ts";
import type { HttpContext, HttpEnv } from "../kit/context.ts";
import { FailureError, logFailed, orNotFound } from "../kit/errors.ts";
import { textField } from "../kit/fields.ts";
import { publicUrl } from "../kit/origin.ts";
import { route } from "../kit/route.ts";
import { codeField, guessedTooOften, isFlooding } from "./bounds.ts";
import { drawPasscode } from "./draw.ts";
import { type AgentInfo, AgentInfoJson, type PollBody, readPoll } from "./poll.ts";

const PollJson = z.object({
  messages: z.array(
    z.object({
      device_id: z.string(),
      type: z.literal("verify_code"),
      data: z.object({ code: z.string(), secret: z.string() }),
    }),
  ),
  one_time_passcode: z.string().optional().describe("This and the next two: all, or none."),
  one_time_passlink: z.string().optional(),
  verification_code: z.string().optional().describe("Empty until the passcode was claimed."),
});

const NOTHING = { message: null, passcode: null } as const satisfies PollAnswer;

const unlinked = route(
  {
    method: "POST",
    path: "/api/v1/octo/unlinked",
    summary: "Poll without a token",
    description: "Never refused, whatever is sent: a refusal ends an agent's discovery for good.",
    access: "open",
    answers: { 200: PollJson },
  },
  async (c) => {
    const source = readSource(c);
    const body = await readPollBody(c);
    if (body === null || (await isFlooding(c, "unlinked", source))) return c.json({ messages: [] }, 200);
    const answer = await poll(c, { ...body, source, freshPasscode: drawPasscode() });
    return c.json(pollJson(answer, body.deviceId, publicUrl(c, "/app/")), 200);
  },
);

const POLL = { media: ["json"], maxBytes: BODY_BYTES, files: new Set<string>(), spare: null } satisfies BodyRule;

/** Null for anything that is no poll. */
async function readPollBody(c: HttpContext): Promise<PollBody | null> {
  try {
    const body = await readBody(c, POLL);
    return body.kind === "json" ? readPoll(body.value) : null;
  } catch {
    return null;
  }
}

/** Without an answer of D1 the agent is told that there is nothing new: a poll is never refused ([S47]). */
async function poll(c: HttpContext, wanted: Poll): Promise<PollAnswer> {
  try {
    return await pollUnlinked(connect(c.env.DB), wanted, Date.now());
  } catch (error) {
    logFailed(c, error);
    return NOTHING;
  }
}

function pollJson({ message, passcode }: PollAnswer, deviceId: string, page: string): z.input<typeof PollJson> {
  const messages =
    message === null ? [] : [{ device_id: deviceId, type: "verify_code" as const, data: { ...message } }];
  if (passcode === null) return { messages };
  return {
    messages,
    one_time_passcode: passcode.passcode,
    one_time_passlink: `${page}?one_time_passcode=${passcode.passcode}`,
    verification_code: passcode.code,
  };
}

const OkJson = z.object({ detail: z.literal("OK") });

const claim = route(
  {
    method: "POST",
    path: "/api/v1/one_time_passcodes",
    summary: "Hand a linking code to the agent that shows a passcode",
    access: "write",
    body: z.object({ verification_code: codeField, one_time_passcode: textField(64) }),
    fails: [404],
    answers: { 200: OkJson },
  },
  async (c) => {
    const { verification_code: digits, one_time_passcode } = c.req.valid("json");
    const passcode = normalizeCode(one_time_passcode).toLowerCase();
    const now = Date.now();
    const wanted = { userId: c.get("caller").userId, digits, passcode };
    const claimed = await claimPasscode(connect(c.env.DB), wanted, now);
    if (claimed.kind === "refused") throw guessedTooOften(claimed.againAt, now);
    if (claimed.kind === "unknown_code") throw new FailureError(notFound("OneTimeVerificationCode"));
    if (claimed.kind === "unknown_passcode") throw new FailureError(notFound("OneTimePasscode"));
    return c.json({ detail: "OK" as const }, 200);
  },
);

const list = route(
  {
    method: "GET",
    path: "/api/v1/printer_discovery",
    summary: "List agents without a token at the caller's own address",
    description: "One or two; more than that are somebody else's too, and none is shown.",
    access: "read",
    answers: { 200: z.array(AgentInfoJson) },
  },
  async (c) => {
    const source = readSource(c);
    const texts = isKnownSource(source) ? await listUnlinkedAgents(connect(c.env.DB), source.address, Date.now()) : [];
    const agents = texts.map((text) => JSON.parse(text) as AgentInfo); // safe: readPoll made that text
    return c.json(agents, 200);
  },
);

const DEVICE_ID_CHARACTERS = 32;

const send = route(
  {
    method: "POST",
    path: "/api/v1/printer_discovery",
    summary: "Hand a linking code to an agent at the caller's own address",
    description: "The agent takes it only with the secret that it shows on its local network.",
    access: "write",
    body: z.object({
      code: codeField,
      device_id: textField(DEVICE_ID_CHARACTERS)
        .refine((id) => id.length === DEVICE_ID_CHARACTERS, {
          error: `Ensure this field has exactly ${DEVICE_ID_CHARACTERS} characters.`,
        })
        .meta({ minLength: DEVICE_ID_CHARACTERS }),
      device_secret: textField(128),
    }),
    fails: [404],
    answers: { 200: z.object({ queued: z.literal(true) }) },
  },
  async (c) => {
    const { code: digits, device_id: deviceId, device_secret: secret } = c.req.valid("json");
    const { userId } = c.get("caller");
    const db = connect(c.env.DB);
    const code = orNotFound(await findLiveCode(db, userId, digits, Date.now()), "OneTimeVerificationCode");
    const { address } = readSource(c);
    await insertMessage(db, { address, deviceId, userId, codeId: code.id, secret }, Date.now());
    return c.json({ queued: true as const }, 200);
  },
);

export const discovery = new Hono<HttpEnv>()
  .on(...unlinked)
  .on(...claim)
  .on(...list)
  .on(...send);

/** API tokens over REST: a caller may hand on what it may do itself, and no more ([S6], [S7]). */
import { Hono } from "hono";
import * as z from "zod";
import { deriveApiToken, drawApiToken } from "../../credentials/api-token.ts";
import { digest } from "../../credentials/digest.ts";
import { connect } from "../../db/client.ts";
import type { KeyUse, Once } from "../../db/idempotency.ts";
import { type ApiToken, findOwnToken, insertToken, listTokens, revokeToken } from "../../db/tokens.ts";
import { type Failure, invalid, UNAVAILABLE } from "../../domain/failure.ts";
import { TimeJson, timeJson } from "../json/time.ts";
import type { Caller, HttpContext, HttpEnv } from "../kit/context.ts";
import { FailureError, orNotFound } from "../kit/errors.ts";
import { choiceField, listField, textField, timeField } from "../kit/fields.ts";
import { IDEMPOTENCY_KEY, madeOnce, withMore } from "../kit/idempotency.ts";
import { route } from "../kit/route.ts";
import { pathId } from "../kit/validate.ts";
import { tellRevoked } from "./revocation.ts";

const SCOPES = ["read", "write"] as const;
type Scope = (typeof SCOPES)[number];

const ApiTokenJson = z
  .object({
    id: z.int(),
    name: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    created_at: TimeJson,
    expires_at: TimeJson.nullable(),
    last_used_on: z.iso.date().nullable().describe("UTC."),
  })
  .meta({ id: "ApiToken" });

function apiTokenJson(token: ApiToken): z.input<typeof ApiTokenJson> {
  return {
    id: token.id,
    name: token.name,
    scopes: scopesOf(token),
    created_at: timeJson(token.createdAt),
    expires_at: timeJson(token.expiresAt),
    last_used_on: token.lastUsedOn,
  };
}

function scopesOf({ canRead, canWrite }: Pick<Caller, "canRead" | "canWrite">): Scope[] {
  return SCOPES.filter((scope) => (scope === "read" ? canRead : canWrite));
}

const list = route(
  {
    method: "GET",
    path: "/api/v1/api_tokens",
    summary: "List the account's API tokens",
    description: "Those that are neither revoked nor expired. The tokens themselves are stored nowhere.",
    access: "read",
    answers: { 200: z.array(ApiTokenJson) },
  },
  async (c) => {
    const tokens = await listTokens(connect(c.env.DB), c.get("caller").userId, Date.now());
    return c.json(tokens.map(apiTokenJson), 200);
  },
);

const create = route(
  {
    method: "POST",
    path: "/api/v1/api_tokens",
    summary: "Make an API token",
    description: "Never wider than the calling token, and never valid for longer.",
    access: "write",
    body: z.object({
      name: textField(100),
      scopes: listField(choiceField(SCOPES))
        .min(1, "This list may not be empty.")
        .optional()
        .describe("Absent: the caller's."),
      expires_at: timeField().nullish().describe("Null: never. Absent: as the calling token."),
    }),
    answers: { 201: ApiTokenJson.extend({ token: z.string().describe("Shown once.") }) },
  },
  async (c) => {
    const caller = c.get("caller");
    const { name, scopes = scopesOf(caller), expires_at } = c.req.valid("json");
    const wish = { canRead: scopes.includes("read"), canWrite: scopes.includes("write") };
    if ((wish.canRead && !caller.canRead) || (wish.canWrite && !caller.canWrite)) throw new FailureError(WIDER);
    const made = await insert(c, caller, { ...wish, name, end: expires_at }, c.get("keyUse"));
    return c.json({ ...apiTokenJson(made), token: made.token }, 201);
  },
);

const WIDER = { code: "insufficient_scope" } as const satisfies Failure;

/** Valid ones of an account. */
const TOKENS_MAX = 100;
const FULL = {
  code: "throttled",
  retryAfterSeconds: 3600,
  sentence: `An account may hold ${TOKENS_MAX} API tokens.`,
} as const satisfies Failure;

interface TokenWish {
  readonly name: string;
  readonly canRead: boolean;
  readonly canWrite: boolean;
  readonly end: number | null | undefined;
}

type ShownToken = ApiToken & { readonly token: string };

/** `key`: the token is the same for whoever asks for the same, with no more and no less than a call of its own would give. */
async function insert(
  c: HttpContext,
  caller: Caller,
  { end, ...wish }: TokenWish,
  key: KeyUse | null,
): Promise<ShownToken> {
  const { userId, tokenId, principal } = caller;
  if (principal === null) throw new FailureError(UNAVAILABLE);
  const now = Date.now();
  const expiresAt = judgeEnd(end, tokenId === null ? null : principal.expiresAt, now);
  const use = await withMore(key, [wish, expiresAt]);
  const [token = drawApiToken()] = use === null ? [] : await derivedTokens(c, use.salt);
  const row = { ...wish, userId, hash: await digest(token), expiresAt };
  const db = connect(c.env.DB);
  const { made, earlier } = await insertToken(db, row, { makerId: tokenId, maxTokens: TOKENS_MAX }, use, now);
  const once: Once<ShownToken | undefined> =
    earlier === null ? { made: made && { ...made, token }, earlier } : { made, earlier };
  const shown = await madeOnce(c, once, async ({ madeId, salt }) => {
    const tokens = await derivedTokens(c, salt);
    const hashes = await Promise.all(tokens.map(digest));
    const found = await findOwnToken(db, { userId, id: madeId, hashes }, now);
    return found && { ...found, token: tokens[hashes.indexOf(found.hash)] ?? "" };
  });
  if (shown === undefined) throw new FailureError(FULL);
  return shown;
}

/** By each of the keys, the newest first: an older one derived a token that was made before the newest came. */
function derivedTokens(c: HttpContext, salt: string): Promise<string[]> {
  const header = c.req.header(IDEMPOTENCY_KEY) ?? "";
  return Promise.all(c.var.settings.agentKeys.map((key) => deriveApiToken(salt, header, key)));
}

/** Epoch milliseconds; null: never. `latest` is the end of the token that asks; a sign-in sets none: it is a person. */
function judgeEnd(end: number | null | undefined, latest: number | null, now: number): number | null {
  if (end === undefined) return latest;
  if (end !== null && end <= now) throw new FailureError(invalid("expires_at", "Ensure this value is in the future."));
  if (latest !== null && (end === null || end > latest)) {
    throw new FailureError(invalid("expires_at", `Ensure this value is not later than ${timeJson(latest)}.`));
  }
  return end;
}

const revoke = route(
  {
    method: "DELETE",
    path: "/api/v1/api_tokens/:tokenId",
    summary: "Revoke an API token, at once",
    description: "A revoked one, too: after a 503, which says what was not done, the same call does the rest.",
    access: "write",
    answers: { 204: null },
  },
  async (c) => {
    const id = pathId(c, "tokenId", "ApiToken");
    const { userId } = c.get("caller");
    const revocation = orNotFound(await revokeToken(connect(c.env.DB), userId, id, Date.now()), "ApiToken");
    await tellRevoked(c, revocation);
    return c.body(null, 204);
  },
);

export const apiTokens = new Hono<HttpEnv>()
  .on(...list)
  .on(...create)
  .on(...revoke);

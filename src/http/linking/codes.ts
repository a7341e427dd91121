/**
 * Links agents to printers: an account asks for a six-digit code, and the agent that posts it gets the token of a new
 * printer, or the next token of the printer that the code was asked for ([S30] to [S37]).
 */
import { Hono } from "hono";
import * as z from "zod";
import { drawUid } from "../../credentials/agent-token.ts";
import { connect } from "../../db/client.ts";
import {
  type CodeUsed,
  findCode,
  findOrInsertCode,
  insertLinkedPrinter,
  releaseCode,
  type ShownCode,
  type UsedCode,
  useCode,
} from "../../db/linking.ts";
import { DEFAULT_CONFIGURATION, LINKED_PRINTER_NAME } from "../../domain/configuration.ts";
import { accountFull, notFound, UNAVAILABLE } from "../../domain/failure.ts";
import type { PrinterView } from "../../domain/view.ts";
import { LinkedPrinterJson, linkedPrinterText, ownPrinterText, PrinterJson, printerText } from "../json/printer.ts";
import { TimeJson, timeJson } from "../json/time.ts";
import { readSource } from "../kit/address.ts";
import type { Caller, HttpContext, HttpEnv } from "../kit/context.ts";
import { FailureError, orNotFound } from "../kit/errors.ts";
import { answerText, type JsonText, objectText, textOf } from "../kit/json-text.ts";
import { callPrinter } from "../kit/printer-call.ts";
import { route } from "../kit/route.ts";
import { pathId, readId } from "../kit/validate.ts";
import { codeField, guessedTooOften, isFlooding } from "./bounds.ts";
import { drawCode } from "./draw.ts";

const CodeJson = z
  .object({
    id: z.int(),
    printer: PrinterJson.nullable().describe("The one to link again; of a code for a new one, what its use made."),
    code: z.string().nullable().describe("Six digits; null for a caller without the scope `write`."),
    expired_at: TimeJson.describe("The end of its life: the moment of its use, once it was used."),
    verified_at: TimeJson.nullable(),
  })
  .meta({ id: "OneTimeVerificationCode" });

/** Whoever knows a code can link with it, so only callers with `write` see it. */
async function codeText(
  c: HttpContext,
  caller: Pick<Caller, "canWrite" | "seesTokens">,
  { code, printer }: ShownCode,
): Promise<JsonText<z.input<typeof CodeJson>>> {
  return objectText<z.input<typeof CodeJson>>({
    id: textOf(code.id),
    printer: printer === null ? textOf(null) : await printerText(c, caller, printer),
    code: textOf(caller.canWrite ? code.code : null),
    expired_at: textOf(timeJson(code.expiredAt)),
    verified_at: textOf(timeJson(code.verifiedAt)),
  });
}

const ask = route(
  {
    method: "GET",
    path: "/api/v1/onetimeverificationcodes",
    summary: "Ask for a linking code",
    description: "The live one, or a new one if there is none. It needs `write`, because it makes one.",
    access: "write",
    query: z.object({
      printer_id: z
        .string()
        .optional()
        .describe("The printer to link again; without it the code makes a new one.")
        .meta({ type: "integer", minimum: 1 }),
    }),
    fails: [404],
    answers: { 200: CodeJson },
  },
  async (c) => {
    const { printer_id } = c.req.valid("query");
    const printerId = printer_id === undefined ? null : readId(printer_id);
    if (printer_id !== undefined && printerId === null) throw new FailureError(notFound("Printer"));
    const caller = c.get("caller");
    return answerText(c, await codeText(c, caller, await requestCode(c, caller.userId, printerId)), 200);
  },
);

/** Few draws hit the digits of another live code: so many in a row never do on a healthy service. */
const DRAWS = 5;

async function requestCode(c: HttpContext, userId: number, printerId: number | null): Promise<ShownCode> {
  for (let draw = 0; draw < DRAWS; draw++) {
    const request = await findOrInsertCode(connect(c.env.DB), { userId, printerId, digits: drawCode() }, Date.now());
    if (request.kind === "live") return request;
    if (request.kind === "unknown_printer") throw new FailureError(notFound("Printer"));
  }
  throw new FailureError(UNAVAILABLE);
}

const read = route(
  {
    method: "GET",
    path: "/api/v1/onetimeverificationcodes/:codeId",
    summary: "See what became of a linking code",
    description: "Used and expired ones stay readable for a day.",
    access: "read",
    answers: { 200: CodeJson },
  },
  async (c) => {
    const caller = c.get("caller");
    const id = pathId(c, "codeId", "OneTimeVerificationCode");
    const found = orNotFound(
      await findCode(connect(c.env.DB), caller.userId, id, Date.now()),
      "OneTimeVerificationCode",
    );
    return answerText(c, await codeText(c, caller, found), 200);
  },
);

const UsedCodeJson = CodeJson.extend({ printer: LinkedPrinterJson }).meta({ id: "UsedVerificationCode" });

function verify(method: "GET" | "POST") {
  return route(
    {
      method,
      path: "/api/v1/octo/verify",
      summary: "Link an agent by a code",
      description: "Ten wrong codes a minute, then 429.",
      access: "open",
      query: z.object({ code: codeField.describe("White space means nothing.") }),
      fails: [404, 429],
      answers: { 200: UsedCodeJson },
    },
    async (c) => {
      // Whoever only looks at a link must not use its code up.
      if (c.req.method === "HEAD")
        throw new FailureError({ code: "method_not_allowed", method: "HEAD", allow: METHODS });
      const use = await takeCode(c, c.req.valid("query").code);
      const { code } = use;
      const linked = await linkOrRelease(c, use);
      const used = objectText<z.input<typeof UsedCodeJson>>({
        id: textOf(code.id),
        printer: await linkedPrinterText(c, linked),
        code: textOf(code.code),
        expired_at: textOf(timeJson(code.verifiedAt)),
        verified_at: textOf(timeJson(code.verifiedAt)),
      });
      return answerText(c, used, 200);
    },
  );
}

const METHODS = ["GET", "POST"] as const;

/** For which the platform counts the calls of an address. */
const FLOOD_MS = 60_000;

/** 404 for a code that does not count, 429 for an address that guessed too often. */
async function takeCode(c: HttpContext, digits: string): Promise<CodeUsed> {
  const source = readSource(c);
  const now = Date.now();
  if (await isFlooding(c, "verify", source)) throw guessedTooOften(now + FLOOD_MS, now);
  const use = await useCode(connect(c.env.DB), { digits, source }, now);
  if (use.kind === "refused") throw guessedTooOften(use.againAt, now);
  if (use.kind === "unknown") throw new FailureError(notFound("OneTimeVerificationCode"));
  return use;
}

/** The printer that the code links its agent to. A code of which nothing came is released, whatever the reason ([S35]). */
async function linkOrRelease(c: HttpContext, use: CodeUsed): Promise<PrinterView> {
  try {
    return use.printer === null ? await makePrinter(c, use.code) : await relink(c, use.printer, use);
  } catch (error) {
    // The caller is told the first failure, not the one of the release. What the first use may have linked stays used.
    const isOver = use.isRepeated && use.printer !== null;
    if (!isOver) await releaseCode(connect(c.env.DB), use.code, Date.now()).catch(() => undefined);
    throw error;
  }
}

async function makePrinter(c: HttpContext, { id, userId }: UsedCode): Promise<PrinterView> {
  const { maxPrinters } = c.var.settings;
  const configuration = { ...DEFAULT_CONFIGURATION, name: LINKED_PRINTER_NAME };
  const born = { userId, uid: drawUid(), configuration, maxPrinters };
  const printer = await insertLinkedPrinter(connect(c.env.DB), id, born, Date.now());
  if (printer === undefined) throw new FailureError(accountFull(maxPrinters));
  return printer;
}

/** One generation a code, however often its use is repeated: a late repetition must not outdate the token that was taken. */
function relink(
  c: HttpContext,
  { id, uid, isMade }: NonNullable<CodeUsed["printer"]>,
  { code, isRepeated }: CodeUsed,
): Promise<PrinterView> {
  return callPrinter(c, id, (printer) => (isRepeated && isMade ? printer.view(uid) : printer.relink(uid, code.id)));
}

const rotate = route(
  {
    method: "POST",
    path: "/api/v1/printers/:printerId/rotate_token",
    summary: "Give a printer's agent a new token",
    description: "Older tokens are dead at once, and the agent's socket is closed.",
    access: "write",
    printer: "active",
    answers: { 200: PrinterJson },
  },
  async (c) => {
    const { id, uid } = c.get("printer");
    const view = await callPrinter(c, id, (printer) => printer.rotateToken(uid));
    return answerText(c, await ownPrinterText(c, c.var, view), 200);
  },
);

export const linking = new Hono<HttpEnv>()
  .on(...ask)
  .on(...read)
  .on(...verify("POST"))
  .on(...verify("GET"))
  .on(...rotate);

/** Calls a printer's object. Any id names one, so only a printer that was found within the caller's account is addressed. */
import { UNAVAILABLE } from "../../domain/failure.ts";
import type { Result } from "../../domain/result.ts";
import type { PrinterObject } from "../../printer/object.ts";
import type { PrinterRpc } from "../../printer/rpc.ts";
import type { HttpContext } from "./context.ts";
import { FailureError, logFailed, unwrap } from "./errors.ts";

type Stub = DurableObjectStub<PrinterObject>;

/** A new object is born near whoever first calls it. */
const HINTS: Readonly<Record<string, DurableObjectLocationHint>> = {
  AF: "afr",
  AN: "sam",
  AS: "apac",
  EU: "weur",
  NA: "enam",
  OC: "oc",
  SA: "sam",
};

const OVERLOADED_RETRY_SECONDS = 5;

/** The answer of an idempotent call; a broken one is repeated once, on a new stub. */
export async function callPrinter<T>(
  c: HttpContext,
  printerId: number,
  call: (printer: PrinterRpc) => Promise<Result<T>>,
): Promise<T> {
  return unwrap(await reachPrinter(c, printerId, (stub) => call(asRpc(stub)), 2));
}

/** The answer of a call that must not happen twice. */
export async function callPrinterOnce<T>(
  c: HttpContext,
  printerId: number,
  call: (printer: PrinterRpc) => Promise<Result<T>>,
): Promise<T> {
  return unwrap(await reachPrinter(c, printerId, (stub) => call(asRpc(stub)), 1));
}

/** Hands an upgrade over; a broken hand-over is repeated once, because a refusal costs an agent two minutes. */
export function fetchPrinter(c: HttpContext, printerId: number, request: () => Request): Promise<Response> {
  return reachPrinter(c, printerId, (stub) => stub.fetch(request()), 2);
}

function asRpc(stub: Stub): PrinterRpc {
  return stub as unknown as PrinterRpc; // safe: PrinterObject implements PrinterRpc, whose calls take and give plain values
}

/** `overloaded` is never tried again; what an object threw itself is a bug and goes on as it is. */
async function reachPrinter<T>(
  c: HttpContext,
  printerId: number,
  call: (stub: Stub) => Promise<T>,
  tries: number,
): Promise<T> {
  try {
    return await call(stubOf(c, printerId));
  } catch (error) {
    const { overloaded, retryable, durableObjectReset, remote } = errorFlagsOf(error);
    if (overloaded) throw new FailureError({ code: "overloaded", retryAfterSeconds: OVERLOADED_RETRY_SECONDS });
    if (tries > 1) return reachPrinter(c, printerId, call, tries - 1);
    if (remote && !retryable && !durableObjectReset) throw error;
    logFailed(c, error);
    throw new FailureError(UNAVAILABLE);
  }
}

function stubOf(c: HttpContext, printerId: number): Stub {
  const hint = HINTS[String(c.req.raw.cf?.continent)];
  return c.env.PRINTERS.getByName(String(printerId), hint === undefined ? {} : { locationHint: hint });
}

interface ErrorFlags {
  readonly overloaded?: boolean;
  readonly retryable?: boolean;
  readonly durableObjectReset?: boolean;
  readonly remote?: boolean;
}

/** What the platform says of a stub's error, as properties of it. */
function errorFlagsOf(error: unknown): ErrorFlags {
  return error instanceof Error ? (error as ErrorFlags) : {}; // safe: every flag is optional
}

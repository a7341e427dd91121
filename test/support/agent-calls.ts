/** Calls of a printer's agent over HTTP: the recorded ones again, and forms like theirs. */
import { type Fields, formBody, multipartBody } from "../../scripts/virtual/form.ts";
import { agentCall, makeAccount, makePrinterOf } from "./api.ts";
import { bytesOf, callsOf, RECORDINGS, type RecordedCall } from "./recordings.ts";

const BOUNDARY = "9109bac60abb4633394067d586c47a7b";

/** A printer of an account of its own. */
export async function makeOwned(name = "Bench") {
  const account = await makeAccount();
  const printer = await makePrinterOf(account, { name });
  return { account, printer, token: printer.auth_token };
}

/** The recorded call with this printer's token. */
export function repeat(recorded: RecordedCall, token: string) {
  const bytes = bytesOf(recorded);
  const { authorization, "content-length": _length, ...headers } = recorded.headers;
  return agentCall(recorded.http, recorded.path, token, { headers, ...(bytes === null ? {} : { raw: bytes }) });
}

export function recorded(dialect: "moonraker" | "octoprint", path: string, matching = ""): RecordedCall {
  const found = callsOf(RECORDINGS[dialect]).find(
    (one) => one.path === path && JSON.stringify([one.body, one.fields]).includes(matching),
  );
  if (found === undefined) throw new Error(`not recorded: ${path}`);
  return found;
}

export const form = (fields: Fields) => ({
  raw: formBody(fields).bytes,
  headers: { "Content-Type": "application/x-www-form-urlencoded" },
});

export function multipart(fields: Fields, name: string, file: Uint8Array) {
  const { bytes, contentType } = multipartBody(fields, name, file, BOUNDARY);
  return { raw: bytes, headers: { "Content-Type": contentType } };
}

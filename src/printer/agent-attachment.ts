/** What survives hibernation with an agent's socket: what is known of the socket, and the newest status if it is short. */
import type { AgentSocket } from "../domain/agent-socket.ts";
import type { ShownStatus } from "../domain/status.ts";
import { readAgentHead, type ShownHead } from "./stored-json.ts";

/** The platform's limit is 16,384, with the overhead of its serialization. */
const ATTACHMENT_BYTES = 16_000;
const REST_BYTES = 15_000;
/** A string is serialized in up to two bytes a code unit, and that is cheaper than encoding it: short ones stay strings. */
const STRING_UNITS = ATTACHMENT_BYTES / 2;

/** A text, or its UTF-8 where the text itself might be too long. */
type Packed = string | Uint8Array;

export interface AgentAttachment {
  /** JSON of the `AgentSocket` and of the shown status without its long parts. */
  readonly head: Packed;
  /** JSON text of the rest of the status; null when that is a row of its own. */
  readonly rest: Packed | null;
}

/** `shown.rest` is null when it is a row. */
interface Attached {
  readonly socket: AgentSocket;
  readonly shown: (ShownHead & { readonly rest: string | null }) | null;
}

export function packAgent(socket: AgentSocket, shown: ShownStatus | null): AgentAttachment {
  const { rest: text, job: _job, fileMetadata: _metadata, ...statusHead } = shown ?? {};
  const headText = JSON.stringify({ socket, shown: shown === null ? null : statusHead });
  if (headText.length + (text?.length ?? 0) <= STRING_UNITS) return { head: headText, rest: text ?? null };
  const head = new TextEncoder().encode(headText);
  if (text === undefined) return { head, rest: null };
  const rest = new TextEncoder().encode(text);
  const isShort = rest.byteLength <= Math.min(REST_BYTES, ATTACHMENT_BYTES - head.byteLength);
  return { head, rest: isShort ? rest : null };
}

export function unpackAgent(attachment: AgentAttachment): Attached {
  const rest = attachment.rest === null ? null : unpack(attachment.rest);
  const { socket, shown } = readAgentHead(unpack(attachment.head), rest);
  return { socket, shown: shown === null ? null : { ...shown, rest } };
}

function unpack(packed: Packed): string {
  return typeof packed === "string" ? packed : new TextDecoder().decode(packed);
}

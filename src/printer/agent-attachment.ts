/** What survives hibernation with an agent's socket: what is known of the socket, and the newest status if it is short. */
import type { AgentSocket } from "../domain/agent-socket.ts";
import type { ShownStatus } from "../domain/status.ts";
import { readAgentHead, type ShownHead } from "./stored-json.ts";

/** The platform's limit is 16,384, with the overhead of its serialization. */
const ATTACHMENT_BYTES = 16_000;
const REST_BYTES = 15_000;
/** A rest of up to this many code units fits beside the longest `AgentSocket`, so it is not measured. */
const SURELY_SHORT = 3_000;

/** Texts as UTF-8: serialized as strings they may take twice as much. */
export interface AgentAttachment {
  /** JSON of the `AgentSocket` and of the shown status without its long parts. */
  readonly head: Uint8Array;
  /** JSON text of the rest of the status; null when that is a row of its own. */
  readonly rest: Uint8Array | null;
}

/** `shown.rest` is null when it is a row. */
interface Attached {
  readonly socket: AgentSocket;
  readonly shown: (ShownHead & { readonly rest: string | null }) | null;
}

export function packAgent(socket: AgentSocket, shown: ShownStatus | null): AgentAttachment {
  const { rest: text, job: _job, fileMetadata: _metadata, ...statusHead } = shown ?? {};
  const head = new TextEncoder().encode(JSON.stringify({ socket, shown: shown === null ? null : statusHead }));
  if (text === undefined) return { head, rest: null };
  const rest = new TextEncoder().encode(text);
  const isShort = rest.byteLength <= Math.min(REST_BYTES, ATTACHMENT_BYTES - head.byteLength);
  return { head, rest: isShort ? rest : null };
}

export function unpackAgent(attachment: AgentAttachment): Attached {
  const rest = attachment.rest === null ? null : new TextDecoder().decode(attachment.rest);
  const { socket, shown } = readAgentHead(new TextDecoder().decode(attachment.head), rest);
  return { socket, shown: shown === null ? null : { ...shown, rest } };
}

/** Whether the rest of a status is too long for the attachment, and has to be a row. */
export function isTooLong(socket: AgentSocket, shown: ShownStatus): boolean {
  return shown.rest.length > SURELY_SHORT && packAgent(socket, shown).rest === null;
}

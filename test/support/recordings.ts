/** The recordings of the real agents line by line, and their HTTP requests byte by byte (test/agent-traffic). */

import { multipartBody } from "../../scripts/virtual/form.ts";
import klipper from "../agent-traffic/klipper-moonraker-obico-2.1.4.jsonl?raw";
import moonraker from "../agent-traffic/moonraker-obico-2.1.4.jsonl?raw";
import octoprint from "../agent-traffic/octoprint-obico-2.6.1.jsonl?raw";
import quick from "../agent-traffic/quick-moonraker-obico-2.1.4.jsonl?raw";
import moonrakerReceipts from "../agent-traffic/receipts-moonraker-obico-2.1.4.jsonl?raw";
import octoprintReceipts from "../agent-traffic/receipts-octoprint-obico-2.6.1.jsonl?raw";

/** A call as the agent made it: a form's body as it was sent, a multipart one as fields and file sizes. */
export interface RecordedCall {
  readonly t: number;
  readonly http: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, readonly (readonly [name: string, type: string, size: number])[]>>;
}

export interface RecordedFrame {
  readonly current_print_ts?: number;
  readonly status?: {
    readonly _ts?: number;
    readonly state?: { readonly text?: string };
    readonly job?: { readonly file?: { readonly obico_g_code_file_id?: number | null } };
  };
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly event?: { readonly event_type: string };
  readonly passthru?: Readonly<Record<string, unknown>>;
}

/** A command of the server's that the agent took. */
export interface RecordedCommand {
  readonly kind: "command";
  readonly t: number;
  readonly cmd: "pause" | "resume" | "cancel";
  /** Of the probe that went with it; null where the stub asked for no receipt. */
  readonly ref: string | null;
}

export type RecordedLine =
  | (RecordedCall & { readonly kind: "call" })
  | {
      readonly kind: "handshake";
      readonly t: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly isAccepted: boolean;
    }
  | { readonly kind: "frame"; readonly t: number; readonly frame: RecordedFrame }
  | { readonly kind: "binary"; readonly t: number }
  | RecordedCommand
  | { readonly kind: "closed"; readonly t: number; readonly code: number | null };

export const RECORDINGS = {
  moonraker: linesOf(moonraker),
  octoprint: linesOf(octoprint),
  "moonraker receipts": linesOf(moonrakerReceipts),
  "octoprint receipts": linesOf(octoprintReceipts),
} as const satisfies Record<string, readonly RecordedLine[]>;

/** Commands that follow each other within seconds, under Klipper or a stand-in whose macros take three. */
export const QUICK_RECORDINGS = {
  klipper: linesOf(klipper),
  quick: linesOf(quick),
} as const satisfies Record<string, readonly RecordedLine[]>;

/** What the agent did, and the commands that it obeyed; the rest of what the stub sent and answered is left out. */
function linesOf(text: string): RecordedLine[] {
  const lines = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  return lines.flatMap((line, index): RecordedLine[] => {
    if (line.event === "closed") return [{ kind: "closed", t: line.t, code: line.code }];
    // One recording began once the socket was open.
    if (line.event === "open" && index === 0) {
      return [{ kind: "handshake", t: line.t, headers: { upgrade: "websocket" }, isAccepted: true }];
    }
    if (line.from === "server") return commandsOf(line);
    if (line.from !== "agent") return [];
    if (line.http !== undefined) return [{ kind: "call", ...line }];
    if (line.handshake !== undefined) {
      return [{ kind: "handshake", t: line.t, headers: line.headers, isAccepted: lines[index + 1]?.event === "open" }];
    }
    if (line.text !== undefined) return [{ kind: "frame", t: line.t, frame: line.text }];
    return line.binary_bson === undefined ? [] : [{ kind: "binary", t: line.t }];
  });
}

/** OctoPrint's agent drops a pause without arguments [V28]. */
function commandsOf(line: {
  t: number;
  text?: { commands?: { cmd: RecordedCommand["cmd"]; args?: object }[]; passthru?: { ref?: string } };
}): RecordedCommand[] {
  const commands = line.text?.commands ?? [];
  return commands
    .filter(({ cmd, args }) => cmd !== "pause" || args !== undefined)
    .map(({ cmd }) => ({ kind: "command", t: line.t, cmd, ref: line.text?.passthru?.ref ?? null }));
}

/** Epoch seconds of a recording's beginning, by its agent's clock. */
export function startOf(lines: readonly RecordedLine[]): number {
  return Math.max(...lines.map((line) => (line.kind === "frame" ? (line.frame.status?._ts ?? 0) - line.t : 0)));
}

export function callsOf(lines: readonly RecordedLine[]): RecordedCall[] {
  return lines.flatMap((line) => (line.kind === "call" ? [line] : []));
}

/** The bytes of a call's body, the recorded length to the byte; null without one. */
export function bytesOf({ body, fields, files, headers }: RecordedCall): Uint8Array | null {
  if (body !== undefined) return new TextEncoder().encode(body);
  const [[name, parts] = ["", []]] = Object.entries(files ?? {});
  const [part] = parts;
  if (part === undefined) return null;
  const boundary = headers["content-type"]?.split("boundary=")[1] ?? "";
  return multipartBody(Object.entries(fields ?? {}), name, picture(part[2]), boundary).bytes;
}

/** A JPEG of that many bytes, as far as anybody looks into it. */
export function picture(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  bytes.set([0xff, 0xd8, 0xff, 0xe0]);
  return bytes;
}

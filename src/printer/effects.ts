/** What becomes of each kind of effect: rows saved with the state, and work once those are durable. */
import type { Projection } from "../db/projection.ts";
import type { Effect, Printer } from "../domain/change.ts";
import { type Command, recordOf } from "../domain/command.ts";
import type { Input } from "../domain/printer.ts";
import { AGENT_CLOSES } from "../protocol/close.ts";
import { type ToAgent, writeCommand, writeFault, writeProbe, writeRemoteStatus } from "../protocol/to-agent.ts";
import type { Outbox } from "./outbox.ts";
import { liveImage, printerImage } from "./projections.ts";
import type { Sockets } from "./sockets.ts";
import type { Store } from "./store.ts";

/** What effects act on once the state is saved. */
export interface EffectPorts {
  readonly sockets: Pick<Sockets, "send" | "closeUpTo">;
  readonly outbox: Pick<Outbox, "refreshLive">;
  readonly waitUntil: (work: Promise<unknown>) => void;
  /** D1 did not take a straight copy of the status. */
  readonly onCopyLost: () => void;
}

export interface Work {
  /** An image of a row of D1, saved with the state; it raises the revision, unless it has a time of its own (the list's copy). */
  readonly projection?: Projection;
  /** Writes a row of the object's own, in the transaction that saves the state. */
  readonly remember?: (store: Pick<Store, "rememberPrint" | "rememberCommand">) => void;
  /** Runs after that transaction; gives the input that follows from it, null for none. */
  readonly carryOut?: (ports: EffectPorts) => Input | null;
}

/** `printer` is the one after the step, `now` its time (epoch milliseconds). */
export function workOf(effect: Effect, printer: Printer, now: number): Work {
  switch (effect.type) {
    case "send-command":
      return sendCommand(effect.command, printer);
    case "send-probe":
      return send(writeProbe(effect.ref), printer);
    case "send-fault":
      return send(writeFault(effect), printer);
    case "send-remote-status":
      return send(writeRemoteStatus(effect.viewing, effect.shouldWatch), printer);
    case "close-agent":
      return acting(({ sockets }) => sockets.closeUpTo("agent", effect.connection, AGENT_CLOSES[effect.cause]));
    case "project-printer":
      return { projection: { kind: "printer", image: printerImage(printer) } };
    case "project-print":
      return { projection: { kind: "print", image: effect.print } };
    case "project-event":
      return { projection: { kind: "event", image: effect.event } };
    case "project-command":
      return endCommand(effect.command);
    case "project-live":
      return { projection: { kind: "live", image: liveImage(printer, now) } };
    case "refresh-live":
      return refreshLive(printer, now);
    case "remember-print":
      return { remember: (store) => store.rememberPrint(effect.print) };
    default:
      return effect satisfies never;
  }
}

/** Work from which no input follows. */
function acting(act: (ports: EffectPorts) => void): Work {
  return {
    carryOut: (ports) => {
      act(ports);
      return null;
    },
  };
}

function send(frame: ToAgent, { socket }: Printer): Work {
  return acting(({ sockets }) => sockets.send("agent", socket?.connection ?? 0, frame));
}

function refreshLive(printer: Printer, now: number): Work {
  return acting(({ outbox, waitUntil, onCopyLost }) => {
    const written = outbox.refreshLive(printer.state, liveImage(printer, now));
    waitUntil(written.then((isWritten) => (isWritten ? undefined : onCopyLost())));
  });
}

/** A frame that the socket did not take is the next input: its command was never sent. */
function sendCommand(command: Command, { socket, state }: Printer): Work {
  const { connection, origin } = socket ?? { connection: 0, origin: "" };
  const frame = writeCommand(command, state.configuration, origin);
  return {
    carryOut: ({ sockets }) =>
      sockets.send("agent", connection, frame) ? null : { type: "send-failed", commandId: command.id },
  };
}

function endCommand(command: Command): Work {
  const record = recordOf(command);
  return { projection: { kind: "command", image: record }, remember: (store) => store.rememberCommand(record) };
}

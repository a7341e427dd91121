/** Carries one effect to the agent's sockets. Rows are the outbox's business, not this file's. */
import type { Effect, Printer } from "../domain/change.ts";
import type { Input } from "../domain/printer.ts";
import { AGENT_CLOSES } from "../protocol/close.ts";
import { writeCommand, writeProbe, writeRemoteStatus } from "../protocol/to-agent.ts";
import type { Sockets } from "./sockets.ts";

/** The input that follows from it; null for none. `printer` is the state after the step. */
export function deliver(effect: Effect, printer: Printer, sockets: Sockets): Input | null {
  const { connection, origin } = printer.socket ?? { connection: 0, origin: "" };
  switch (effect.type) {
    case "send-command": {
      const { command } = effect;
      const isSent = sockets.send(connection, writeCommand(command, printer.state.configuration, origin));
      return isSent ? null : { type: "send-failed", commandId: command.id };
    }
    case "send-probe":
      sockets.send(connection, writeProbe(effect.ref));
      return null;
    case "send-remote-status":
      sockets.send(connection, writeRemoteStatus(effect.viewing, effect.shouldWatch));
      return null;
    case "close-agent":
      sockets.closeUpTo(effect.connection, AGENT_CLOSES[effect.cause]);
      return null;
    default:
      return null;
  }
}

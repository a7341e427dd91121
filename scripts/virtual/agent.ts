/** A virtual agent: one of the two real programs, to the letter, beside a simulated printer. */
import type { Clock } from "./clock.ts";
import type { Link } from "./link.ts";
import type { Machine } from "./machine.ts";
import { MoonrakerAgent } from "./moonraker/agent.ts";
import { OctoprintAgent } from "./octoprint/agent.ts";
import type { VirtualPrinter } from "./printer.ts";
import type { Transport } from "./transport.ts";

export type Dialect = "moonraker" | "octoprint";

export interface AgentOptions {
  readonly token: string;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly seed: number;
  /** The printer as it stands when the agent begins: `idleMachine(seed)`, or one in mid-print. */
  readonly machine: Machine;
}

export interface VirtualAgent {
  readonly printer: VirtualPrinter;
  readonly link: Link;
  /** The calls at start-up; resolves once the token was proved or refused for the first time. */
  start(): Promise<void>;
  /** The file asks for other filament, and the printer pauses for it [V21]. */
  changeFilament(): void;
  /** Ends timers and socket at once. */
  stop(): void;
}

export function makeAgent(dialect: Dialect, options: AgentOptions): VirtualAgent {
  return dialect === "moonraker" ? new MoonrakerAgent(options) : new OctoprintAgent(options);
}

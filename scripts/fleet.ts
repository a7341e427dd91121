/** Virtual printers against a server: found by name or made, each with an agent of either dialect and a simulated person. */

import type { Api, ApiPrinter } from "./api.ts";
import { networkTransport } from "./network.ts";
import { Refusal } from "./refusal.ts";
import { type Dialect, makeAgent, type VirtualAgent } from "./virtual/agent.ts";
import { hostClock } from "./virtual/clock.ts";
import { idleMachine, type Machine } from "./virtual/machine.ts";
import { Operator } from "./virtual/operator.ts";
import { seededRandom } from "./virtual/random.ts";

export interface Member {
  readonly printer: ApiPrinter;
  readonly dialect: Dialect;
  readonly agent: VirtualAgent;
}

export interface FleetOptions {
  readonly api: Api;
  readonly wanted: readonly { readonly name: string; readonly dialect: Dialect }[];
  /** Simulated seconds in a real one. */
  readonly speed: number;
  readonly seed: number;
  /** Between two prints, in simulated seconds. */
  readonly gapSeconds: number;
  readonly isRestless: boolean;
  /** How a printer stood when it was last simulated. */
  resume(printerId: number): Machine | undefined;
}

export class Fleet {
  readonly members: readonly Member[];
  readonly #operators: readonly Operator[];

  constructor(members: readonly Member[], operators: readonly Operator[]) {
    this.members = members;
    this.#operators = operators;
  }

  stop(): void {
    for (const operator of this.#operators) operator.stop();
    for (const { agent } of this.members) agent.stop();
  }
}

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const transport = networkTransport(options.api.url);
  const clock = hostClock(options.speed);
  const printers = await ensurePrinters(
    options.api,
    options.wanted.map(({ name }) => name),
  );
  const members = options.wanted.map(({ name, dialect }, index) => {
    const printer = printers.get(name);
    const token = printer?.auth_token;
    if (printer === undefined || !token) throw new Refusal(`The token may not read the agent token of ${name}.`);
    const seed = options.seed * 1000 + index;
    const machine = options.resume(printer.id) ?? idleMachine(seed);
    return { printer, dialect, agent: makeAgent(dialect, { token, transport, clock, seed, machine }) };
  });
  const { gapSeconds, isRestless } = options;
  const operators = members.map(({ agent }, index) => {
    const random = seededRandom(options.seed * 1000 + index + 500);
    return new Operator({ agent, clock, random, gapSeconds, isRestless });
  });
  for (const { agent } of members) void agent.start();
  return new Fleet(members, operators);
}

/** The account's printers of those names; the missing ones are made. */
async function ensurePrinters(api: Api, names: readonly string[]): Promise<Map<string, ApiPrinter>> {
  const found = new Map((await api.listPrinters()).map((printer) => [printer.name, printer]));
  for (const name of names) {
    if (!found.has(name)) found.set(name, await api.insertPrinter(name));
  }
  return found;
}

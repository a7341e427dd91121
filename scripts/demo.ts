/** The demonstration: an account with its token, and a virtual printer of either dialect, kept in the state folder. */
import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Api, type ApiPrinter, Outage } from "./api.ts";
import { type Fleet, startFleet } from "./fleet.ts";
import { reasonOf } from "./refusal.ts";
import { replaceFile } from "./replaced-file.ts";
import { isPrinting, type Machine } from "./virtual/machine.ts";
import { cancelledIdleSeconds } from "./virtual/operator.ts";

const EMAIL = "demo@localhost";
const PRINTERS = [
  { name: "Virtual Klipper", dialect: "moonraker" },
  { name: "Virtual OctoPrint", dialect: "octoprint" },
] as const;
/** So that a print takes minutes and a pause fractions of a second. */
const SPEED = 10;
const GAP_SECONDS = 200;
const SAVE_MS = 1000;
const FIRST_REPORT_MS = 60_000;
const POLL_MS = 100;
const OUTAGE_MS = 2000;

export interface DemoPrinter {
  /** As the server shows it once it has reported its print, if it has one. */
  readonly shown: ApiPrinter;
  /** Until the next print begins, while the printer stands idle because its last one was cancelled; else 0. */
  readonly idleMs: number;
  /** Whether what is shown is what the printer does. */
  readonly isReady: boolean;
}

export interface Demo {
  readonly token: string;
  readonly printers: readonly DemoPrinter[];
  stop(): void;
}

export async function startDemo(url: string, state: string): Promise<Demo> {
  const token = await findToken(url, state);
  const api = new Api(url, token);
  const machines = new MachineFile(path.join(state, "virtual-printers.json"));
  const fleet = await startFleet({
    api,
    wanted: PRINTERS,
    speed: SPEED,
    seed: Date.now() % 1_000_000,
    gapSeconds: GAP_SECONDS,
    isRestless: false,
    resume: (id) => machines.find(id),
  });
  machines.follow(fleet);
  const printers = await waitForPrints(api, fleet);
  return {
    token,
    printers,
    stop() {
      machines.save();
      fleet.stop();
    },
  };
}

/** The demo account's token, readable by its owner only; made again when the database does not know it. */
async function findToken(url: string, state: string): Promise<string> {
  const file = path.join(state, "demo-token");
  const kept = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
  if (kept !== "" && (await new Api(url, kept).isAdmitted())) return kept;
  // Drizzle is needed this once, and would take its room for as long as the server runs.
  const [{ makeToken }, { openDatabase }] = await Promise.all([import("./account.ts"), import("./database.ts")]);
  const wish = { email: EMAIL, name: "demo", canRead: true, canWrite: true, expiresAt: null };
  const token = await makeToken(openDatabase(state, false), wish, Date.now());
  replaceFile(file, `${token}\n`);
  return token;
}

/** Waits until each reports its print, for `FIRST_REPORT_MS` at most: then the summary says what there is. */
async function waitForPrints(api: Api, fleet: Fleet): Promise<DemoPrinter[]> {
  const deadline = performance.now() + FIRST_REPORT_MS;
  for (;;) {
    const printers = await patiently(deadline, () => look(api, fleet));
    if (printers.every(({ isReady }) => isReady) || performance.now() > deadline) return printers;
    await pause(POLL_MS);
  }
}

/** What the call gives; it is made again after an outage, such as a slow machine has in its first seconds. */
async function patiently<T>(deadline: number, call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof Outage) || performance.now() > deadline) throw error;
      await pause(OUTAGE_MS);
    }
  }
}

function look(api: Api, fleet: Fleet): Promise<DemoPrinter[]> {
  return Promise.all(
    fleet.members.map(async ({ printer, agent }) => {
      const shown = await api.findPrinter(printer.id);
      const { machine } = agent.printer;
      const idleMs = (cancelledIdleSeconds(machine) / SPEED) * 1000;
      return { shown, idleMs, isReady: isShown(machine, shown, idleMs > 0) };
    }),
  );
}

/** Whether the server shows what the machine does, by an agent that is there: else what the summary says would not hold. */
function isShown({ phase }: Machine, { presence, status, current_print }: ApiPrinter, isIdle: boolean): boolean {
  if (presence.state !== "online" || (current_print === null) !== isIdle) return false;
  if (isIdle) return status !== null;
  return (phase === "printing" || phase === "paused") && status?.state.flags.paused === (phase === "paused");
}

/** How the virtual printers stand, so that their prints outlive the script as real ones would. */
class MachineFile {
  readonly #file: string;
  #fleet: Fleet | null = null;
  #hasToldFailure = false;

  constructor(file: string) {
    this.#file = file;
  }

  /** One that was idle has been so since. */
  find(printerId: number): Machine | undefined {
    try {
      const kept = JSON.parse(readFileSync(this.#file, "utf8")) as Record<string, Machine>; // safe: written below
      const machine = kept[printerId];
      if (machine === undefined || isPrinting(machine)) return machine;
      const seconds = (Math.max(0, Date.now() - statSync(this.#file).mtimeMs) / 1000) * SPEED;
      return { ...machine, phaseSeconds: machine.phaseSeconds + seconds };
    } catch {
      return undefined;
    }
  }

  follow(fleet: Fleet): void {
    this.#fleet = fleet;
    for (const { agent } of fleet.members) agent.printer.onPhase(() => this.save());
    setInterval(() => this.save(), SAVE_MS).unref();
  }

  save(): void {
    if (this.#fleet === null) return;
    const machines = this.#fleet.members.map(({ printer, agent }) => [printer.id, agent.printer.machine]);
    try {
      replaceFile(this.#file, JSON.stringify(Object.fromEntries(machines)));
      this.#hasToldFailure = false;
    } catch (error) {
      if (!this.#hasToldFailure) console.error(`The virtual printers cannot be saved: ${reasonOf(error) ?? error}.`);
      this.#hasToldFailure = true;
    }
  }
}

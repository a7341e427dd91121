/** The demonstration: an account with its token, and a virtual printer of either dialect, kept in the state folder. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Api, type ApiPrinter } from "./api.ts";
import { type Fleet, startFleet } from "./fleet.ts";
import type { Machine } from "./virtual/machine.ts";

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

export interface Demo {
  readonly token: string;
  /** As the server shows them once both have reported a print. */
  readonly printers: readonly ApiPrinter[];
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
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
  return token;
}

/** Waits until both report a print, for `FIRST_REPORT_MS` at most: then the summary says what there is. */
async function waitForPrints(api: Api, fleet: Fleet): Promise<ApiPrinter[]> {
  const deadline = performance.now() + FIRST_REPORT_MS;
  for (;;) {
    const printers = await Promise.all(fleet.members.map(({ printer }) => api.findPrinter(printer.id)));
    if (printers.every((printer) => printer.current_print !== null) || performance.now() > deadline) return printers;
    await pause(POLL_MS);
  }
}

/** How the virtual printers stand, so that their prints outlive the script as real ones would. */
class MachineFile {
  readonly #file: string;
  #fleet: Fleet | null = null;

  constructor(file: string) {
    this.#file = file;
  }

  find(printerId: number): Machine | undefined {
    try {
      const kept = JSON.parse(readFileSync(this.#file, "utf8")) as Record<string, Machine>; // safe: written below
      return kept[printerId];
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
    mkdirSync(path.dirname(this.#file), { recursive: true });
    writeFileSync(`${this.#file}.new`, JSON.stringify(Object.fromEntries(machines)));
    renameSync(`${this.#file}.new`, this.#file);
  }
}

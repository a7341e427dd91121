/** A model of OctoPrint-Obico: every state change is an event, and the receipt tells the state right after the command. */
import { between } from "../virtual/random.ts";
import { type AgentWorld, type Download, ModelAgent } from "./agent.ts";
import type { MachineMoment, MachinePrint, Order, Phase } from "./machine.ts";
import { type PauseArguments, PauseScripts } from "./pause-scripts.ts";

const TEXT = {
  idle: "Operational",
  printing: "Printing",
  pausing: "Pausing",
  paused: "Paused",
  resuming: "Resuming",
  cancelling: "Cancelling",
} as const satisfies Record<Phase, string>;

const REGULAR_MS = { boosted: 10_000, heating: 20_000, calm: 50_000 } as const;
/** They come inside an ordinary status, never because of a new socket. */
const SETTINGS_MS = 30 * 60_000;
const SETTINGS = { agent: { name: "octoprint_obico", version: "2.6.1" } } as const;
const LONGEST_UPSERT_MS = 3_000;
const BOOST_MS = 15_000;
const QUEUE = 1_000;

export class OctoPrintAgent extends ModelAgent {
  /** OctoPrint's print as the plugin reports it: from PrintStarted to the ending event. */
  #print: MachinePrint | null = null;
  #phase: Phase = "idle";
  #lastSaidAt = 0;
  #boostedUntil = 0;
  #settingsAt = 0;
  #eventsFrom = 0;
  readonly #scripts = new PauseScripts();

  constructor(world: AgentWorld) {
    super(world, QUEUE);
    world.machine.watch((moment) => this.#runScripts(moment));
    world.machine.watch((moment) => this.#follow(moment));
  }

  override startUp(): void {
    this.#say("Operational", { event_type: "PrinterStateChanged", data: { state_id: "OPERATIONAL" } });
    this.link.say({ settings: SETTINGS });
    this.#settingsAt = this.world.simulation.now;
    this.soon(1_000, 10_000, () => this.#tick());
  }

  protected override onReconnect(): void {}

  /** The plugin prepares for a pause before it asks whether there is anything to pause. */
  protected override obey(order: Order, ref: string, args: PauseArguments): void {
    if (order === "pause") this.#scripts.write(args, ref);
    this.world.witness.onTaken(ref, this.world.machine.order(order, ref));
  }

  protected override answerProbe(ref: string): void {
    this.#boost();
    const ret = this.world.machine.phase === "idle" ? "OPERATIONAL" : this.world.machine.phase.toUpperCase();
    this.soon(0, 12, () => this.link.say({ passthru: { ref, ret } }));
  }

  protected override pauseQuietly(ref: string): void {
    this.#boost();
    this.world.witness.onTaken(ref, this.world.machine.order("pause", ref));
    this.soon(0, 12, () => this.link.say({ passthru: { ref, ret: null } }));
  }

  protected override download(file: Download, ref: string): void {
    const { machine } = this.world;
    const isTaken = machine.phase === "idle";
    this.world.witness.onTaken(ref, isTaken);
    if (!isTaken) {
      this.link.say({ passthru: { ref, error: "Printer busy!" } });
      return;
    }
    const begin = () => this.link.say({ passthru: { ref, ret: { target_path: file.filename } } });
    this.fetch(ref, begin, () => {
      machine.start({ ts: Math.floor(this.clock / 1_000), file: file.filename, gCodeFileId: file.id }, ref);
    });
  }

  /** OctoPrint asks for the one script once the machine stands, for the other before it goes on, whoever wanted that. */
  #runScripts({ phase }: MachineMoment): void {
    const before = this.world.machine.history.at(-2);
    if (phase === "paused") this.#scripts.onPause();
    if (phase === "printing" && before?.phase === "idle") this.#scripts.onStart();
    if (phase !== "resuming") return;
    const spoiled = this.#scripts.onResume();
    if (spoiled !== null) this.world.witness.onSpoiled(spoiled.how, spoiled.ref);
  }

  /** Events are handled one at a time, a moment later, with the status as of then. */
  #follow({ phase, print, end }: MachineMoment): void {
    const { simulation } = this.world;
    simulation.at(Math.max(simulation.now, this.#eventsFrom), () => {
      const before = this.#phase;
      if (phase === "idle") this.#sayEnd(end);
      else if (before === "idle") this.#sayStart(print);
      else this.#sayChange(phase);
      this.#phase = phase;
    });
  }

  /** The file is told to the server first; until then the print has no time stamp. */
  #sayStart(print: MachinePrint | null): void {
    const { simulation, random } = this.world;
    this.#say("Starting", { event_type: "PrinterStateChanged", data: { state_id: "STARTING" } });
    this.#eventsFrom = simulation.now + between(random, 0, LONGEST_UPSERT_MS);
    simulation.at(this.#eventsFrom, () => this.#sayStarted(print));
  }

  #sayStarted(print: MachinePrint | null): void {
    this.#print = print;
    this.#say("Printing", { event_type: "PrintStarted", data: { name: print?.file } });
    this.#say("Printing", { event_type: "PrinterStateChanged", data: { state_id: "PRINTING" } });
  }

  #sayChange(phase: Phase): void {
    const changed = { event_type: "PrinterStateChanged", data: { state_id: phase.toUpperCase() } };
    if (phase === "cancelling") this.#say("Cancelling", { event_type: "PrintCancelling" });
    // The snapshot may still show the state before, or already the one after.
    if (phase === "paused") this.#say(this.world.random() < 0.7 ? "Pausing" : "Paused", { event_type: "PrintPaused" });
    this.#say(TEXT[phase], changed);
    if (phase === "resuming") this.#say("Resuming", { event_type: "PrintResumed" });
  }

  #sayEnd(end: MachineMoment["end"]): void {
    if (end === "complete") this.#say("Finishing", { event_type: "PrintDone" });
    if (end === "error") this.#say("Offline", { event_type: "PrintFailed", data: { reason: "error" } });
    if (end === "cancelled") {
      const data = { reason: "cancelled" };
      this.#say("Cancelling", { event_type: "PrintCancelled", data });
      this.#say("Cancelling", { event_type: "PrintFailed", data });
    }
    this.#print = null;
    this.#say("Operational", { event_type: "PrinterStateChanged", data: { state_id: "OPERATIONAL" } });
  }

  #tick(): void {
    const { simulation, random } = this.world;
    const isHeating = this.#phase === "cancelling" && simulation.now >= this.#boostedUntil;
    const every = isHeating
      ? REGULAR_MS.heating
      : simulation.now < this.#boostedUntil
        ? REGULAR_MS.boosted
        : REGULAR_MS.calm;
    if (simulation.now - this.#lastSaidAt >= every)
      this.#say(this.isDownloading ? "G-Code Downloading" : TEXT[this.#phase]);
    simulation.after(between(random, 700, 800), () => this.#tick());
  }

  #boost(): void {
    this.#boostedUntil = this.world.simulation.now + BOOST_MS;
  }

  #say(text: string, event?: object): void {
    this.#lastSaidAt = this.world.simulation.now;
    if (event !== undefined) this.#boost();
    const print = this.#print;
    const report = { ts: print?.ts ?? -1, text, at: Math.floor(this.clock / 1_000), file: print };
    const isDue = this.world.simulation.now - this.#settingsAt >= SETTINGS_MS;
    if (isDue) this.#settingsAt = this.world.simulation.now;
    const settings = isDue ? { settings: SETTINGS } : {};
    this.sayStatus({ ...report, ...settings, ...(event === undefined ? {} : { event }) });
  }
}

/** Which reports are live, and what dates they get, whatever the agent's clock says. */
import { describe, expect, test } from "vitest";
import { frame, type Said } from "../support/frames.ts";
import { aRequest } from "../support/ledger.ts";
import { MemoryPrinter, newState } from "../support/memory-printer.ts";
import { fc } from "../support/random.ts";

const T = 1_790_000_100;
const HOUR = 3_600;

/** A printer that was born just now, and its agent, whose clock is `ahead` seconds ahead. */
class Bench extends MemoryPrinter {
  ahead = 0;

  constructor(dialect: "moonraker" | "octoprint" | "other" = "moonraker") {
    super(T * 1000);
    this.printer = { ...this.printer, state: newState({ dialect, createdAt: this.now }) };
    this.open();
  }

  /** Waits that many seconds, then says it. */
  say(seconds: number, said: Partial<Said> = {}): void {
    this.now += seconds * 1000;
    this.hear(frame({ ts: T, at: this.now / 1000 + this.ahead, ...said }));
  }

  /** An answered socket, and a print that is ten minutes old. */
  settle(): void {
    this.answer();
    this.say(1, { event: "PrintStarted" });
    for (let minute = 0; minute < 10; minute++) this.say(60);
  }

  command(kind: "pause" | "resume" | "cancel"): string | null | undefined {
    const before = this.effects.length;
    this.apply({ type: "command", command: aRequest(kind) });
    const told = this.effects.slice(before).flatMap((effect) => ("command" in effect ? [effect.command] : []));
    return told.at(-1)?.reason ?? told.at(-1)?.state;
  }

  /** The object dies with its sockets. */
  lose(): void {
    this.printer = { ...this.printer, socket: null, shown: null };
    this.apply({ type: "agent-lost" });
  }

  /** Seconds since the beginning, of every event. */
  dates(): number[] {
    return this.events.map(({ createdAt }) => createdAt / 1000 - T);
  }

  print() {
    return [...this.prints.values()][0];
  }
}

describe("clocks that are wrong", () => {
  test.each([-8 * HOUR, -20, 8 * HOUR])(
    "[P13] [P16] %i s off from the first frame on: the print starts now",
    (ahead) => {
      const bench = new Bench("octoprint");
      bench.ahead = ahead;
      bench.say(5, { event: "PrintStarted" });
      bench.answer();
      bench.say(50);
      bench.say(50, { event: "PrintDone", text: "Finishing", printTime: null });
      const [startedAt = -1, endedAt] = bench.dates();
      expect(startedAt).toBeGreaterThanOrEqual(0);
      expect(startedAt).toBeLessThanOrEqual(5);
      expect(endedAt).toBe(105);
    },
  );

  test.each([-2 * HOUR, -10 * 60, 2 * HOUR, 1e9 - T - 1e6])(
    "[P12] [P14] [P16] set by %i s in mid-print: all is live and rightly dated at once",
    (by) => {
      const bench = new Bench();
      bench.settle();
      bench.ahead = by;
      bench.say(30, { event: "PrintPaused", text: "Paused", printTime: null });
      expect(bench.printer.shown?.text).toBe("Paused");
      expect(bench.command("resume")).toBe("sent");
      bench.say(10, { event: "PrintResumed" });
      bench.say(60, { event: "PrintDone", text: "Operational", printTime: null });
      expect(bench.dates()).toEqual([1, 631, 641, 701]);
      expect(bench.print()).toMatchObject({ outcome: "finished", printTimeSeconds: 700 });
    },
  );

  test("[P9] set back by 20 s: the newest status is shown", () => {
    const bench = new Bench();
    bench.settle();
    bench.ahead = -20;
    bench.say(5, { text: "Paused" });
    expect(bench.printer.shown?.text).toBe("Paused");
    bench.say(1, { text: "Operational", event: "PrintDone" });
    const ended = bench.dates().at(-1);
    expect(ended).toBeGreaterThanOrEqual(601);
    expect(ended).toBeLessThanOrEqual(607);
  });

  test.each([
    ["cancel", "PrintCancelled", "Cancelling"],
    ["cancel", "PrintCancelling", "Cancelling"],
    ["cancel", "PrintFailed", "Operational"],
    ["pause", "PrintPaused", "Pausing"],
  ] as const)("[P43] %s, told by %s of whole seconds, is not dated before the command", (kind, event, text) => {
    const bench = new Bench("octoprint");
    bench.settle();
    bench.now += 900;
    bench.command(kind);
    const sentAt = bench.now;
    bench.now += 50;
    bench.hear(frame({ ts: T, at: Math.floor(bench.now / 1000), event, text }));
    const dated = kind === "pause" ? bench.events.at(-1)?.createdAt : (bench.print()?.cancelledAt ?? sentAt);
    expect(dated).toBe(sentAt);
    bench.say(1, { ts: -1, text: "Operational" });
    expect(bench.print()?.endedAt).toBeGreaterThanOrEqual(sentAt);
  });
});

describe("what is queued comes before the answer to a probe", () => {
  const probes = (bench: Bench) => bench.effects.filter(({ type }) => type === "send-probe").length;
  /** Whether what is said now is live, by what it does: a live report of another phase refuses a resume. */
  const isLive = (bench: Bench, age: number) => {
    bench.say(1, { at: bench.now / 1000 - age, text: "Paused" });
    return bench.printer.socket?.phase === "paused";
  };

  test("[P40] the first answer to a probe of the socket ends its backlog, one to another ref does not", () => {
    const bench = new Bench();
    bench.answer("p:of an earlier socket");
    bench.answer("c:of an earlier socket");
    expect(isLive(bench, 60)).toBe(false);
    bench.answer();
    expect(isLive(bench, 60)).toBe(true);
  });

  test("[P40] so does the answer to a command that this socket carried", () => {
    const bench = new Bench();
    bench.say(1);
    const request = aRequest("pause");
    bench.apply({ type: "command", command: request });
    bench.answer(request.ref);
    expect(isLive(bench, 60)).toBe(true);
  });

  test("[P41] a frame that comes a second or more after the last probe gets another, ten at most", () => {
    const bench = new Bench();
    bench.say(0.999);
    expect(probes(bench)).toBe(1);
    bench.say(0.001);
    expect(probes(bench)).toBe(2);
    for (let second = 0; second < 50; second++) bench.say(0.5);
    expect(probes(bench)).toBe(11);
    bench.answer("p:opening-7");
    expect(isLive(bench, 60)).toBe(true);
    expect(probes(bench)).toBe(11);
  });

  test("[P41] an answered one gets none, but on a new socket", () => {
    const bench = new Bench();
    bench.answer();
    for (let minute = 0; minute < 5; minute++) bench.say(60);
    expect(probes(bench)).toBe(1);
    bench.open();
    expect(probes(bench)).toBe(2);
  });

  test.each([
    ["moonraker", 1, false],
    ["moonraker", 11, true],
    ["other", 1, true],
  ] as const)("[P42] %s, without a _ts, said %i times: live is %s", (dialect, times, live) => {
    const bench = new Bench(dialect);
    for (let time = 0; time < times; time++) {
      bench.now += 1_000;
      bench.hear({ current_print_ts: T, status: { state: { text: "Paused" } } });
    }
    expect(bench.printer.socket?.phase).toBe(live ? "paused" : null);
  });

  test.each([
    ["other", 11, true],
    ["other", 10, false],
    ["octoprint", 50, false],
  ] as const)(
    "[P46] %s, which never answers, two hours behind: after %i reports live is %s",
    (dialect, times, live) => {
      const bench = new Bench(dialect);
      bench.ahead = -2 * HOUR;
      for (let time = 0; time < times; time++) bench.say(30);
      expect(bench.printer.socket?.phase ?? null).toBe(live ? "printing" : null);
    },
  );

  test("[P45] the date of the last report bounds the next one's, over evictions, reconnects and the object's death", () => {
    const bench = new Bench();
    bench.settle();
    bench.evict();
    bench.close();
    bench.now += 600_000;
    bench.open();
    bench.say(0, { at: T, event: "PrintPaused", text: "Paused" });
    expect(bench.dates().at(-1)).toBe(601);
    bench.say(1, { at: T + 900, text: "Paused" });
    bench.open();
    bench.say(0, { at: T, event: "PrintResumed" });
    expect(bench.dates().at(-1)).toBe(900);
    bench.say(1, { at: T + 950, event: "PrintDone", text: "Operational" });
    bench.lose();
    bench.open();
    bench.say(0, { ts: T + 900, at: T, event: "PrintStarted" });
    expect(bench.dates().at(-1)).toBe(950);
  });

  test("[P43] [P45] what follows what a command brought about is not dated before it either", () => {
    const bench = new Bench();
    bench.settle();
    bench.ahead = -50;
    bench.now += 20_000;
    bench.command("cancel");
    bench.say(1, { event: "PrintFailed", text: "Operational" });
    bench.say(1, { ts: T + 600, event: "PrintStarted", name: "next.gcode" });
    expect(bench.dates()).toEqual([1, 621, 621]);
  });

  test("[P43] what a text told first, its event tells later with no earlier date", () => {
    const bench = new Bench("octoprint");
    bench.settle();
    bench.now += 700;
    bench.command("cancel");
    const sentAt = bench.now;
    bench.hear({ passthru: { ref: bench.printer.state.ledger[0]?.ref, ret: "CANCELLING" } });
    bench.hear(frame({ ts: T, at: Math.floor(bench.now / 1000), text: "Cancelling" }));
    bench.hear(frame({ ts: T, at: Math.floor(bench.now / 1000), text: "Operational" }));
    expect(bench.printer.state.ledger).toEqual([]);
    bench.hear(frame({ ts: T, at: Math.floor(bench.now / 1000), text: "Operational", event: "PrintCancelled" }));
    expect(bench.print()?.cancelledAt).toBe(sentAt);
  });

  test("[P15] a print that its owner ended bounds the next one", () => {
    const bench = new Bench();
    bench.settle();
    bench.apply({ type: "finish-print", isCancelled: false });
    const endedAt = bench.now;
    bench.say(1, { ts: T + 900, at: bench.now / 1000 - 8, name: "next.gcode" });
    expect([...bench.prints.values()].at(-1)?.startedAt).toBeGreaterThanOrEqual(endedAt);
  });

  test("[P47] the backlog of a clock that starts in 1970 is dated by that clock, once that was measured", () => {
    const bench = new Bench();
    bench.ahead = 500 - T;
    bench.settle();
    bench.close();
    bench.now += 600_000;
    bench.open();
    bench.say(0, { at: 500 + 700, event: "PrintPaused", text: "Paused" });
    expect(bench.dates()).toEqual([1, 700]);
  });

  test("[P47] else by its arrival: the printer may have been without power for days", () => {
    const bench = new Bench();
    bench.settle();
    bench.close();
    bench.now += 3 * 24 * HOUR * 1000;
    bench.open();
    bench.say(0, { ts: T + 5, at: 90, event: "PrintStarted", name: "next.gcode" });
    expect(bench.dates().at(-1)).toBe(bench.now / 1000 - T);
    expect(bench.printer.socket?.phase).toBeNull();
  });

  test("[P45] a frame that is not dated, as {} and settings, bounds nothing", () => {
    const bench = new Bench();
    bench.settle();
    bench.close();
    bench.now += 600_000;
    bench.open();
    bench.hear({});
    bench.hear({ settings: { agent: { name: "moonraker_obico" } } });
    bench.say(0, { at: T + 700, event: "PrintPaused", text: "Paused" });
    expect(bench.dates().at(-1)).toBe(700);
  });
});

type What = "begin" | "pause" | "resume" | "cancel" | "end" | "status";

interface Told {
  readonly wait: number;
  readonly what: What;
}

const told = fc.record({
  wait: fc.integer({ min: 1, max: 400 }),
  what: fc.constantFrom<What[]>("begin", "begin", "pause", "resume", "cancel", "end", "status", "status"),
});
/** Seconds by which a clock is set, or to the beginning of 1970. */
const clockSet = fc.constantFrom<(number | "1970")[]>(
  -8 * HOUR,
  -7200,
  -600,
  -61,
  -59,
  -20,
  -1,
  1,
  20,
  59,
  61,
  600,
  7200,
  8 * HOUR,
  "1970",
);
const HAPPENINGS = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ type: fc.constant("live" as const), told, latency: fc.integer({ max: 900, min: 0 }) }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("clock" as const), by: clockSet }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("away" as const),
      queued: fc.array(fc.record({ told, set: fc.option(clockSet) }), { maxLength: 6 }),
      answers: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constantFrom<("pause" | "resume" | "cancel")[]>("pause", "resume", "cancel") }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom<("evict" | "die")[]>("evict", "die") }) },
);

const EVENTS = {
  begin: "PrintStarted",
  pause: "PrintPaused",
  resume: "PrintResumed",
  cancel: "PrintCancelled",
  end: "PrintDone",
} as const;

/** A printer and its agent, whose clock is set and drifts as it likes, with the truth of what happened when. */
class World {
  readonly bench: Bench;
  readonly drift: number;
  #ahead = 0;
  #print = 0;
  #isPrinting = false;
  #isAnswered = true;
  readonly watched = new Map<number, { from: number; to: number }>();

  constructor(dialect: "moonraker" | "octoprint", drift: number) {
    this.bench = new Bench(dialect);
    this.drift = drift;
    this.bench.answer();
  }

  set(by: number | "1970"): void {
    this.#ahead = by === "1970" ? -this.bench.now / 1000 : this.#ahead + by;
  }

  /** What the agent writes at this moment. */
  write({ wait, what }: Told): object {
    this.bench.now += wait * 1000;
    const clock = this.bench.now / 1000 + this.#ahead + (this.bench.now / 1000 - T) * this.drift;
    const at = this.bench.printer.state.dialect === "octoprint" ? Math.floor(clock) : clock;
    if (what === "begin" && !this.#isPrinting) {
      this.#print += 100;
      this.#isPrinting = true;
    }
    const event = what !== "status" && this.#isPrinting ? { event: EVENTS[what] } : {};
    const ts = this.#isPrinting ? T + this.#print : -1;
    if (what === "end" || what === "cancel") this.#isPrinting = false;
    return frame({ ts, at, name: `${ts}.gcode`, printTime: null, ...event });
  }

  /** Hears it, and holds every date that it was given between the report before it and its arrival. */
  hear(said: object, writtenAt: number): void {
    const { bench } = this;
    const isLive = this.#isAnswered;
    const from = bench.printer.socket?.datedAt ?? 0;
    const before = bench.events.length;
    bench.hear(said);
    for (const { createdAt, printId, type } of bench.events.slice(before)) {
      expect(createdAt).toBeGreaterThanOrEqual(from);
      expect(createdAt).toBeLessThanOrEqual(bench.now);
      if (isLive) expect(Math.abs(createdAt - writtenAt)).toBeLessThanOrEqual(62_000);
      if (type === "STARTED") this.watched.set(printId ?? 0, { from, to: bench.now });
      const watched = this.watched.get(printId ?? 0);
      if (watched !== undefined) watched.to = bench.now;
    }
    if (isLive) expect(bench.printer.shown?.at).toBe(bench.now);
  }

  live(one: Told, latency: number): void {
    const said = this.write(one);
    const writtenAt = this.bench.now;
    this.bench.now += latency;
    this.hear(said, writtenAt);
  }

  away(queued: readonly { told: Told; set: number | "1970" | null }[], answers: boolean): void {
    this.bench.close();
    const written = queued.map((one) => {
      if (one.set !== null) this.set(one.set);
      return { said: this.write(one.told), at: this.bench.now };
    });
    this.reopen(answers, written);
  }

  reopen(answers: boolean, queued: readonly { said: object; at: number }[]): void {
    this.bench.open();
    this.#isAnswered = false;
    for (const { said, at } of queued) this.hear(said, at);
    if (!answers) this.hear(this.write({ wait: 2, what: "status" }), this.bench.now);
    this.bench.answer(answers ? "p:opening" : "p:opening-1");
    this.#isAnswered = true;
  }

  die(): void {
    this.bench.lose();
    this.reopen(true, []);
  }
}

test("[P13] [P14] [P15] [P16] over random clocks every date lies between what was heard before and its arrival, in order", () => {
  const drifts = fc.constantFrom(0, 0, 1e-4, -1e-4);
  const dialects = fc.constantFrom("moonraker" as const, "octoprint" as const);
  fc.assert(
    fc.property(dialects, drifts, fc.array(HAPPENINGS, { maxLength: 40 }), (dialect, drift, happenings) => {
      const world = new World(dialect, drift);
      const { bench } = world;
      for (const happening of happenings) {
        if (happening.type === "clock") world.set(happening.by);
        else if (happening.type === "away") world.away(happening.queued, happening.answers);
        else if (happening.type === "live") world.live(happening.told, happening.latency);
        else if (happening.type === "evict") bench.evict();
        else if (happening.type === "die") world.die();
        else bench.command(happening.type);
      }
      const dates = bench.events.map(({ createdAt }) => createdAt);
      expect(dates).toEqual(dates.toSorted((a, b) => a - b));
      for (const print of bench.prints.values()) {
        const watched = world.watched.get(print.id);
        const endedAt = print.endedAt ?? print.startedAt;
        expect(endedAt).toBeGreaterThanOrEqual(print.startedAt);
        expect(endedAt - print.startedAt).toBeLessThanOrEqual((watched?.to ?? 0) - (watched?.from ?? 0));
        expect(print.printTimeSeconds ?? 0).toBeGreaterThanOrEqual(0);
      }
    }),
    { numRuns: 1_000 },
  );
});

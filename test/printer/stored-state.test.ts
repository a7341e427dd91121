/** A change of the state's keys asks for a new version, so that no older program reads what it cannot keep. */
import { describe, expect, test } from "vitest";
import type { PrinterState } from "../../src/domain/change.ts";
import { DEFAULT_CONFIGURATION } from "../../src/domain/configuration.ts";
import { initialState } from "../../src/domain/initial-state.ts";
import { printByServer } from "../../src/domain/print.ts";
import { migrate, readState, STATE_MIGRATIONS, STATE_VERSION } from "../../src/printer/stored-state.ts";
import stored from "./fixtures/printer-v1.json" with { type: "json" };
import keysByVersion from "./fixtures/state-keys.json" with { type: "json" };

/** `T` with nothing left null, no list empty: it shows every key and its type. */
type Filled<T> = T extends readonly (infer Item)[]
  ? readonly [Filled<NonNullable<Item>>]
  : T extends object
    ? { readonly [K in keyof T]: Filled<NonNullable<T[K]>> }
    : T;

const CONFIGURATION = { ...DEFAULT_CONFIGURATION, name: "Bench" };

const FILLED: Filled<PrinterState> = {
  ...initialState({ id: 1, uid: "u", userId: 1, createdAt: 1, configuration: CONFIGURATION }),
  configuration: CONFIGURATION,
  ...{ archivedAt: 1, deletedAt: 1, connectedAt: 1, disconnectedAt: 1, printerLostAt: 1, lastSeenAt: 1, datedAt: 1 },
  ...{ agentName: "a", agentVersion: "1", lastExaminedAt: 1 },
  tokens: { newest: 1, used: 1, graceUntil: 1, keyId: "k" },
  frames: { slot: 1, counts: [1] },
  current: {
    ...printByServer(1, 1, "a.gcode", 1),
    ...{ gCodeFileId: 1, finishedAt: 1, cancelledAt: 1, endedAt: 1, outcome: "finished", alertedAt: 1, pausedAt: 1 },
    ...{ alertAcknowledgedAt: 1, alertMutedAt: 1, alertOverwrite: "FAILED", filamentUsedMm: 1, printTimeSeconds: 1 },
    ...{ deletedAt: 1, endEventId: 1 },
  },
  trail: { latest: 1, events: ["paused:1"], pause: "PAUSED" },
  ledger: [
    {
      ...{
        id: "c",
        kind: "pause",
        state: "unknown",
        reason: "no_receipt",
        agentWords: "busy",
        printId: 1,
        printExtId: 1,
        initiator: "api",
      },
      ...{ userId: 1, tokenName: "t", createdAt: 1, expiresAt: 1, settleBy: 1, sentAt: 1, deliveredAt: 1, endedAt: 1 },
      ...{ ref: "c:", probeRef: "p:", probeBy: 1, connection: 1, via: "commands" },
      file: { id: 1, path: "/", filename: "a b", safeFilename: "a_b", agentSignature: "md5:1" },
      marks: { wasPaused: true, sawTransient: true, pausedRun: 1, isDoubtful: true, contradictedAt: 1 },
    },
  ],
  threads: { owed: [1], endedAt: 1, endedBefore: 1, refusedAt: 1, refusedWith: "!! no" },
  replacements: { at: [1], toldAt: 1 },
};

/** Every value's path with its type, `ledger[].marks.pausedRun: number`, sorted. */
function keysOf(value: unknown, path = ""): string[] {
  if (Array.isArray(value) && value.length > 0) return sortedSet(value.flatMap((item) => keysOf(item, `${path}[]`)));
  if (Array.isArray(value) || typeof value !== "object" || value === null) return [`${path}: ${typeof value}`];
  const prefix = path === "" ? "" : `${path}.`;
  return sortedSet(Object.entries(value).flatMap(([key, inner]) => keysOf(inner, prefix + key)));
}

function sortedSet(items: readonly string[]): string[] {
  return [...new Set(items)].sort();
}

const KEYS: Readonly<Record<string, readonly string[]>> = keysByVersion;

describe("the keys of the state", () => {
  test("[O58] are those of its version: where they differ, raise STATE_VERSION and add its keys to state-keys.json", () => {
    expect({ [STATE_VERSION]: keysOf(FILLED) }).toEqual({ [STATE_VERSION]: KEYS[STATE_VERSION] });
  });

  test("[O58] that a version has no more, or of another type, are carried on by a migration", () => {
    for (let version = 1; version < STATE_VERSION; version++) {
      const next = new Set(KEYS[version + 1]);
      const gone = (KEYS[version] ?? ["no list"]).filter((key) => !next.has(key));
      expect(gone.length === 0 || version in STATE_MIGRATIONS, `${gone} of version ${version}`).toBe(true);
    }
  });

  test("[O58] of version 1 are those that a real object stored", () => {
    const names = (keys: readonly string[]) => sortedSet(keys.map((key) => key.replace(/(\[\])?: \w+$/, "")));
    const found = names(keysOf(storedState()));
    // A null in one row is an object in another.
    const leaves = found.filter((name) => !found.some((other) => other.startsWith(`${name}.`)));
    expect(leaves).toEqual(names(KEYS[1] ?? []));
  });
});

interface Version1 {
  readonly marks: { readonly latest: number; readonly taken: readonly string[] };
  readonly current: object;
}

function storedState(): Version1 {
  const [row] = stored.tables.find(({ name }) => name === "printer")?.rows ?? [];
  return JSON.parse(Reflect.get(row ?? {}, "state"));
}

describe("a stored state", () => {
  test("[O47] of version 1 is the same printer, with the dialect of its agent and a trail in our words", () => {
    const { marks, ...kept } = storedState();
    const events = marks.taken.map((mark) => mark.replace("Print", "").toLowerCase());
    const trail = { latest: marks.latest, events, pause: null };
    const read = readState(JSON.stringify({ ...kept, marks }));
    expect(read).toMatchObject({ ...kept, version: STATE_VERSION, dialect: "moonraker", trail });
    expect(read.trail.events.map((event) => event.split(":")[0])).toEqual(["paused", "resumed"]);
  });

  test("[O57] gets what it lacks, at every depth, and keeps what it has", () => {
    const whole = { ...FILLED, ledger: FILLED.ledger.map((command) => ({ ...command, fromLater: 1 })) };
    const lacking = JSON.parse(JSON.stringify(whole));
    const gone = [
      [lacking, "normalizedP", 0],
      [lacking.configuration, "retractOnPause", 6.5],
      [lacking.tokens, "graceUntil", null],
      [lacking.frames, "counts", []],
      [lacking.current, "outcome", null],
      [lacking.current, "occurrence", 1],
      [lacking.current, "endEventId", null],
      [lacking.trail, "pause", null],
      [lacking.ledger[0], "settleBy", null],
      [lacking.ledger[0], "agentWords", null],
      [lacking.ledger[0].marks, "isDoubtful", false],
      [lacking.ledger[0].file, "safeFilename", ""],
      [lacking.ledger[0].file, "agentSignature", null],
      [lacking.replacements, "at", []],
    ] as const;
    for (const [holder, key] of gone) delete holder[key];
    const state = readState(JSON.stringify(lacking));
    for (const [holder, key, initial] of gone) holder[key] = initial;
    expect(state).toEqual(lacking);
    expect(readState(JSON.stringify(whole))).toEqual(whole);
  });

  const steps = {
    1: (state: object) => ({ ...state, added: 0 }),
    3: (state: object) => ({ ...state, added: 1 }),
  };

  test("[O47] is carried from version to version when it is read", () => {
    expect(migrate({ version: 1 }, 4, steps)).toEqual({ version: 4, added: 1 });
    expect(migrate({ version: 2 }, 3, steps)).toEqual({ version: 3 });
    expect(migrate({ version: 4 }, 4, steps)).toEqual({ version: 4 });
  });

  test("[O47] that nobody can carry is an error, and stays as it is", () => {
    expect(() => migrate({ version: 4 }, 3, steps)).toThrow("version 4");
    expect(() => migrate({ version: 0 }, 3, steps)).toThrow("version 0");
    expect(() => readState("{}")).toThrow();
  });
});

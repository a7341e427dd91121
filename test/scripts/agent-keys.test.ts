/** Which keys count, by what the state, `.dev.vars` and the printers say of them. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { decideKeys } from "../../scripts/agent-keys.ts";
import { readValues, writeValue } from "../../scripts/dev-vars.ts";
import { fc } from "../support/random.ts";
import { makeFolder, removeFolders } from "./running-server.ts";

afterAll(removeFolders);

function key(id: string, letter = id.at(-1) ?? ""): string {
  return `${id}:${letter.repeat(43)}`;
}

const NO_PRINTER = { printers: 0, inUse: [], everUsed: [] };
const A_PRINTER = { printers: 1, inUse: ["k1"], everUsed: ["k1"] };
const file = "/s/agent-keys";

describe("a state without keys", () => {
  const fresh = { kept: null, devVars: null, isDefault: true, signing: NO_PRINTER, file };

  test("[R60] gets a new one while it has no printer", () => {
    const { keys, told } = decideKeys(fresh);
    expect([keys, told]).toEqual([expect.stringMatching(/^k[0-9a-z]{3}:[\w-]{43}$/), null]);
    expect(decideKeys(fresh).keys).not.toBe(keys);
  });

  test("[R60] takes those of .dev.vars, and says so if there are printers", () => {
    const devVars = `${key("k2")},${key("k1")}`;
    expect(decideKeys({ ...fresh, devVars })).toEqual({ keys: devVars, told: null });
    const { keys, told } = decideKeys({ ...fresh, devVars, isDefault: false, signing: A_PRINTER });
    expect([keys, told]).toEqual([devVars, "The agents' keys of .dev.vars lie in /s/agent-keys from now on."]);
  });

  test("[R60] makes its own in another folder, whose keys .dev.vars does not hold", () => {
    expect(decideKeys({ ...fresh, devVars: key("k1"), isDefault: false }).keys).not.toContain("k1");
  });

  test.each([null, "", "k2:short", key("k2")])(
    "[R61] but with printers is refused, with the way out: %s",
    (devVars) => {
      const decide = () => decideKeys({ ...fresh, devVars, signing: A_PRINTER, file: "/my state/agent-keys" });
      expect(decide).toThrow(/^This state has printers, .* \(k1\) are missing\. Restore \/my state\/agent-keys /);
      expect(decide).toThrow(/node -e '[^']*AGENT_KEYS=k[0-9a-z]{3}:[^']*' > '\/my state\/agent-keys'$/);
    },
  );

  test("[R61] never gets a key under an id that was used", () => {
    const all = [...Array(36 ** 3).keys()].map((number) => `k${number.toString(36).padStart(3, "0")}`);
    const free = fc.constantFrom(...all);
    fc.assert(
      fc.property(free, (id) => {
        const everUsed = all.filter((other) => other !== id);
        expect(decideKeys({ ...fresh, signing: { ...NO_PRINTER, everUsed } }).keys.split(":")[0]).toBe(id);
      }),
      { numRuns: 2 },
    );
  });
});

describe("a state with keys", () => {
  const own = { kept: key("k1"), devVars: key("k1"), isDefault: true, signing: A_PRINTER, file };

  test("[R62] keeps them, whether .dev.vars is there or not, and whatever it says of another folder", () => {
    for (const devVars of [own.devVars, null]) {
      expect(decideKeys({ ...own, devVars })).toEqual({ keys: own.kept, told: null });
    }
    expect(decideKeys({ ...own, devVars: key("k9"), isDefault: false })).toEqual({ keys: own.kept, told: null });
  });

  test("[R62] may get a new one themselves: the older copy in .dev.vars is no news", () => {
    const kept = `${key("k2")},${key("k1")}`;
    expect(decideKeys({ ...own, kept })).toEqual({ keys: kept, told: null });
  });

  test("[R62] takes a new one that .dev.vars has before all of them, and says so", () => {
    const devVars = `${key("k2")}, ${key("k1")}`;
    const told = "New key k2 of .dev.vars: it signs agents' tokens from now on, and the older ones stay good.";
    expect(decideKeys({ ...own, devVars })).toEqual({ keys: devVars, told });
  });

  test.each([
    ["of another state", key("k9")],
    ["under an id that is taken", key("k1", "x")],
    ["beside one under an id that is taken", `${key("k2")},${key("k1", "x")}`],
    ["one that the state has dropped, behind its own", `${key("k1")},${key("k0")}`],
    ["unreadable", "k2:short"],
  ])("[R62] keeps them before one in .dev.vars that is %s, and says so", (_what, devVars) => {
    const told =
      ".dev.vars had other agents' keys than /s/agent-keys, which counts; the old line stands there as a comment.";
    expect(decideKeys({ ...own, devVars })).toEqual({ keys: own.kept, told });
  });

  test("[R61] says whom it lacks, and what cannot be read is refused", () => {
    expect(decideKeys({ ...own, kept: key("k2"), devVars: null }).told).toMatch(/^\/s\/agent-keys lacks k1: /);
    expect(decideKeys({ ...own, kept: key("k2"), devVars: key("k1") }).told).toMatch(
      /comment\. \/s\/agent-keys lacks k1: /,
    );
    expect(decideKeys({ ...own, kept: key("k2"), devVars: `${key("k3")},${key("k2")}` }).told).toMatch(
      /good\. \S+ lacks k1: /,
    );
    for (const kept of ["", "k1", "k1:short"])
      expect(() => decideKeys({ ...own, kept })).toThrow(/Restore it from a back-up/);
  });
});

describe("a file of values", () => {
  test("[R62] keeps all that it had, the old value as a comment, and is for its owner's eyes only", () => {
    const place = path.join(makeFolder(), ".dev.vars");
    writeFileSync(place, '# mine\nMAX_PRINTERS=3\nexport AGENT_KEYS="k1:a"\nJWT_ISSUER=x');
    writeValue(place, "AGENT_KEYS", "k2:b");
    expect(readFileSync(place, "utf8")).toBe(
      '# mine\nMAX_PRINTERS=3\n# export AGENT_KEYS="k1:a"\nJWT_ISSUER=x\nAGENT_KEYS=k2:b\n',
    );
    expect(statSync(place).mode & 0o777).toBe(0o600);
    expect(readValues(place, ["AGENT_KEYS", "MAX_PRINTERS"])).toEqual({ AGENT_KEYS: "k2:b", MAX_PRINTERS: "3" });
    expect(readValues(`${place}.not`, ["AGENT_KEYS"])).toEqual({});
  });
});

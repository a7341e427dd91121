/** Who may import what in `src/`, read from the sources themselves. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

const SOURCES = path.join(import.meta.dirname, "../src");

interface Layer {
  readonly own: readonly string[];
  readonly packages: readonly RegExp[];
  /** Modules of which only types may be imported, and constants of `printer/rpc.ts`. */
  readonly typesOf?: readonly string[];
}

const NOTHING: readonly RegExp[] = [];
const HTTP = [/^hono(\/|$)/, /^@hono\//, /^zod$/];
const BENEATH_HTTP = ["domain", "protocol", "credentials", "db", "log", "env", "http/kit"];

const LAYERS: Readonly<Record<string, Layer>> = {
  domain: { own: ["domain"], packages: NOTHING },
  protocol: { own: ["domain", "protocol"], packages: [/^zod$/] },
  credentials: { own: ["domain", "credentials"], packages: [/^zod$/] },
  db: { own: ["domain", "db"], packages: [/^drizzle-orm(\/|$)/] },
  printer: {
    own: ["domain", "protocol", "credentials", "db", "printer", "log", "env"],
    packages: [/^cloudflare:workers$/],
  },
  "http/kit": { own: BENEATH_HTTP, packages: HTTP, typesOf: ["printer"] },
  "http/json": { own: [...BENEATH_HTTP, "http/json"], packages: HTTP, typesOf: ["printer"] },
  jobs: { own: ["domain", "db", "credentials", "log", "env", "jobs"], packages: NOTHING, typesOf: ["printer"] },
  env: { own: ["domain"], packages: NOTHING },
  log: { own: ["domain"], packages: NOTHING },
};

/** A folder of a noun reaches the common parts and itself, never another noun's. */
function layerRule(layer: string): Layer | undefined {
  if (!layer.startsWith("http/")) return LAYERS[layer];
  return LAYERS[layer] ?? { own: [...BENEATH_HTTP, "http/json", layer], packages: HTTP, typesOf: ["printer"] };
}

/** Values, not code: what both sides of the object's upgrade call the same. */
const SHARED_CONSTANTS = new Set(["src/http/agent/connect.ts → printer/rpc.ts"]);

interface Import {
  readonly file: string;
  readonly from: string;
  readonly isType: boolean;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(path.join(SOURCES, file), "utf8");
  const found = text.matchAll(/^(?:import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"/gm);
  return [...found].map(([, type, from = ""]) => ({ file, from, isType: type !== undefined }));
}

const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
const layerOf = (file: string) => {
  const [folder = "", inner = ""] = file.replace(/\.ts$/, "").split("/");
  return folder === "http" ? `http/${inner}` : folder;
};

function isAllowed({ file, from, isType }: Import): boolean {
  const layer = layerRule(layerOf(file));
  if (layer === undefined) return true;
  if (!from.startsWith(".")) return layer.packages.some((name) => name.test(from));
  const target = path.normalize(path.join(path.dirname(file), from));
  if (layer.own.includes(layerOf(target))) return true;
  return (isType && layer.typesOf?.includes(layerOf(target))) || SHARED_CONSTANTS.has(`src/${file} → ${target}`);
}

describe("imports", () => {
  test("[R17] every file of src is read, and every folder has a rule", () => {
    expect(files.length).toBeGreaterThan(50);
    const folders = new Set(files.filter((file) => file.includes("/")).map(layerOf));
    expect([...folders].filter((folder) => layerRule(folder) === undefined)).toEqual([]);
  });

  test("[R16] no file imports across the table of layers", () => {
    const broken = files.flatMap(importsOf).filter((found) => !isAllowed(found));
    expect(broken.map(({ file, from }) => `${file} imports ${from}`)).toEqual([]);
  });

  test("[R17] a rule that is broken is seen", () => {
    expect(isAllowed({ file: "domain/print.ts", from: "zod", isType: false })).toBe(false);
    expect(isAllowed({ file: "http/printers/printers.ts", from: "../../printer/stepper.ts", isType: false })).toBe(
      false,
    );
    expect(isAllowed({ file: "db/prints.ts", from: "../http/kit/errors.ts", isType: true })).toBe(false);
    expect(isAllowed({ file: "http/printers/events.ts", from: "../prints/query.ts", isType: false })).toBe(false);
    expect(isAllowed({ file: "http/kit/route.ts", from: "../json/time.ts", isType: false })).toBe(false);
  });
});

// Plain JavaScript that every Node reads: an older one fails at the scripts themselves, before any line of theirs runs.
import { existsSync } from "node:fs";
import * as module from "node:module";
import { fileURLToPath } from "node:url";

const NEEDED = 24;

const scripts = {
  start: () => import("./start.ts"),
  token: () => import("./token.ts"),
  link: () => import("./link.ts"),
  simulate: () => import("./simulate.ts"),
  chaos: () => import("./chaos.ts"),
  bench: () => import("./bench.ts"),
  lives: () => import("./lives.ts"),
  fuzz: () => import("./fuzz.ts"),
};

const [name] = process.argv.splice(2, 1);
const inProject = (path) => new URL(`../${path}`, import.meta.url);
const isInstalled = (path) => existsSync(inProject(`node_modules/${path}`));

function findHindrance() {
  if (!isInstalled("miniflare")) return "The packages are not installed. Run: npm ci";
  if (Number.parseInt(process.versions.node, 10) >= NEEDED) return null;
  const reason = `Node ${NEEDED} is needed, this is ${process.versions.node}`;
  if (isInstalled("node/bin/node")) return `${reason}. Run it with npm: npm run ${name}`;
  return `${reason}, and the project's own is missing. Run: npm rebuild node --ignore-scripts=false`;
}

const hindrance = findHindrance();
if (hindrance === null) {
  module.enableCompileCache(fileURLToPath(inProject(".wrangler/compiled")));
  await scripts[name]();
} else {
  console.error(hindrance);
  process.exitCode = 1;
}

/** Writes into the file that its argument names what `wrangler.toml` declares, as wrangler itself reads it. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { unstable_getMiniflareWorkerOptions as miniflareOptionsOf, unstable_readConfig as readConfig } from "wrangler";
import type { Declared } from "./worker.ts";
import { PROJECT } from "./wrangler.ts";

const config = readConfig({ config: path.join(PROJECT, "wrangler.toml") });
const { rootPath: _, modulesRules: __, ...options } = miniflareOptionsOf(config).workerOptions;
const declared = {
  // Without the values of `.dev.vars`, which are this machine's.
  options: { ...options, name: config.name, bindings: config.vars },
  secrets: config.secrets?.required ?? [],
};
writeFileSync(
  process.argv[2] ?? "",
  JSON.stringify(declared satisfies Omit<Declared, "options"> & { options: object }),
);

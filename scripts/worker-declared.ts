/** Writes into the file that its argument names what `wrangler.toml` declares, as wrangler itself reads it. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import {
  unstable_getMiniflareWorkerOptions as miniflareOptionsOf,
  unstable_readConfig as readConfig,
  unstable_splitSqlQuery as splitSql,
} from "wrangler";
import type { Declared, Migration } from "./worker.ts";
import { PROJECT } from "./wrangler.ts";

function readMigrations(folder: string): Migration[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".sql"));
  return names.sort().map((name) => ({ name, statements: splitSql(readFileSync(path.join(folder, name), "utf8")) }));
}

const config = readConfig({ config: path.join(PROJECT, "wrangler.toml") });
const { rootPath: _, modulesRules: __, ...options } = miniflareOptionsOf(config).workerOptions;
const declared: Declared = {
  // Without the values of `.dev.vars`, which are this machine's.
  options: { ...options, name: config.name, bindings: config.vars },
  secrets: config.secrets?.required ?? [],
  migrations: readMigrations(path.join(PROJECT, "migrations")),
};
writeFileSync(process.argv[2] ?? "", JSON.stringify(declared));

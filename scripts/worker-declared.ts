/** Writes into the file that its argument names what `wrangler.toml` declares, as wrangler itself reads it. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { V4WorkerOptionsShape } from "miniflare";
import {
  unstable_getMiniflareWorkerOptions as miniflareOptionsOf,
  unstable_readConfig as readConfig,
  unstable_splitSqlQuery as splitSql,
} from "wrangler";
import { PROJECT } from "./wrangler.ts";

export interface Migration {
  /** Its file's. */
  readonly name: string;
  readonly statements: readonly string[];
}

/** What `wrangler.toml` declares. */
export interface Declared {
  /** In Miniflare's words. */
  readonly options: V4WorkerOptionsShape;
  /** Names of the secrets, which are values of a machine and no part of a build. */
  readonly secrets: readonly string[];
  /** Of the database, oldest first. */
  readonly migrations: readonly Migration[];
}

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

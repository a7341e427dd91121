/** On what, of what and when was measured: nothing that names a machine. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import path from "node:path";
import { PROJECT } from "../wrangler.ts";
import type { Circumstances } from "./report.ts";

export function readCircumstances(): Circumstances {
  const cores = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: readCommit(),
    cores: cores.length,
    cpu: cores[0]?.model.trim() || "unknown CPU",
    node: process.versions.node,
    workerd: versionOf("workerd"),
  };
}

/** Null outside a repository. */
function readCommit(): string | null {
  const git = (...args: string[]) =>
    execFileSync("git", args, { cwd: PROJECT, encoding: "utf8", stdio: "pipe" }).trim();
  try {
    const hasChanges = git("status", "--porcelain", "--", "src", "scripts", "package-lock.json") !== "";
    return git("rev-parse", "--short=10", "HEAD") + (hasChanges ? " with changes" : "");
  } catch {
    return null;
  }
}

function versionOf(name: string): string {
  const manifest = readFileSync(path.join(PROJECT, "node_modules", name, "package.json"), "utf8");
  return (JSON.parse(manifest) as { readonly version: string }).version; // safe: every manifest has one
}

/** How the scripts end: with one line for the person at the terminal when they cannot go on. */

/** Its message is that line. */
export class Refusal extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Runs a script; a refusal becomes its line and its exit code, as does what the machine refuses; anything else is a bug and keeps its stack. */
export async function runScript(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === null) throw error;
    console.error(refusal.message);
    process.exitCode = refusal.exitCode;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "this user may not write or read there",
  EPERM: "this user may not write or read there",
  EROFS: "the disk is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  ENOTDIR: "a file is in the way",
  EEXIST: "a file is in the way",
  EISDIR: "a folder is in the way",
  ENOENT: "it is not there, and cannot be made",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "a link there leads back to itself",
  EIO: "the disk does not work",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open",
};

/** Why the machine refused to write or read something, in a few words; null for any other error. */
export function reasonOf(error: unknown): string | null {
  const isSystem = error instanceof Error && "code" in error && "syscall" in error;
  if (isSystem && error.code === "ENOSPC" && error.syscall === "watch")
    return "too many files are watched on this machine";
  return isSystem ? (REASONS[String(error.code)] ?? null) : null;
}

/** What ends a script with one line: a refusal, or what the machine refused; null for a bug. */
export function refusalOf(error: unknown): Refusal | null {
  if (error instanceof Refusal) return error;
  const reason = reasonOf(error);
  const place = error instanceof Error && "path" in error ? error.path : "a file";
  return reason === null ? null : new Refusal(`No access to ${place}: ${reason}.`);
}

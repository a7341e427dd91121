/** Nobody ends what a process has started when it is killed outright: here a shell waits for that, and does. */
import { type ChildProcess, spawn } from "node:child_process";

/** Its input ends with the process that writes it, however that ended; the last line names what is to be killed. */
const WATCH = 'pids=; while read -r line; do pids=$line; done; [ -z "$pids" ] || kill -9 $pids';

const held = new Set<ChildProcess>();
let watch: ChildProcess | null = null;

/** The child, just spawned, ends with this process. */
export function leash(child: ChildProcess): void {
  watch ??= startWatch();
  held.add(child);
  tell(watch);
  child.once("exit", () => {
    held.delete(child);
    if (watch !== null) tell(watch);
  });
}

/** In a session of its own, where no Ctrl-C reaches it; it keeps nobody waiting. */
function startWatch(): ChildProcess {
  const shell = spawn("/bin/sh", ["-c", WATCH], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  shell.unref();
  shell.stdin?.on("error", () => {});
  return shell;
}

function tell({ stdin }: ChildProcess): void {
  stdin?.write(`${[...held].map(({ pid }) => pid).join(" ")}\n`);
}

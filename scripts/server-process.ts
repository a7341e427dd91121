/** The script's side of the local server: started in a process group of its own, watched, and ended with all it started. */
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { detailOf } from "./api.ts";
import { Refusal } from "./refusal.ts";
import type { FromServer } from "./server.ts";
import { PROJECT, wranglerEnvironment } from "./wrangler.ts";

/** A busy machine may take minutes; what takes longer hangs. */
const START_MS = 180_000;
const STOP_MS = 3000;
const HEALTH_POLL_MS = 50;

export interface ServerOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly state: string;
  /** Whether changed sources are built again. */
  readonly watch: boolean;
}

/** Refuses with one clear line. */
export async function checkPortFree(host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const probe = createServer();
  probe.once("error", (error: NodeJS.ErrnoException) => reject(portRefusal(host, port, error.code)));
  probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()));
  await promise;
}

function portRefusal(host: string, port: number, code: string | undefined): Refusal {
  if (code === "EADDRINUSE") return new Refusal(`Port ${port} on ${host} is in use. Choose another one with --port.`);
  if (code === "EACCES") return new Refusal(`Port ${port} on ${host} is not allowed. Choose another one with --port.`);
  return new Refusal(`Cannot listen on ${host}, port ${port} (${code}).`);
}

export class ServerProcess {
  /** Rejects with a refusal when the server ends or fails before it was told to end; never resolves. */
  readonly died: Promise<never>;
  readonly #child: ChildProcess;
  readonly #listening = Promise.withResolvers<string>();
  readonly #closed = Promise.withResolvers<void>();
  #stopping = false;

  constructor(options: ServerOptions) {
    const args = [options.host, String(options.port), options.state, options.watch ? "watch" : ""];
    this.#child = spawn(process.execPath, [path.join(import.meta.dirname, "server.ts"), ...args], {
      cwd: PROJECT,
      env: wranglerEnvironment(options.state),
      detached: true,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const { promise, reject } = Promise.withResolvers<never>();
    this.died = promise;
    this.died.catch(() => {});
    this.#child.on("message", (message: FromServer) => {
      if (message.kind === "listening") this.#listening.resolve(callable(message.url));
      else if (!this.#stopping) reject(new Refusal(`The server ended: ${message.message}.`));
    });
    this.#child.once("exit", (code, signal) => {
      this.#closed.resolve();
      this.#killGroup();
      if (!this.#stopping) reject(new Refusal(`The server ended: its process is gone (${signal ?? `code ${code}`}).`));
    });
  }

  /** Its URL for callers on this machine, once it answers `/health` with 200. */
  async ready(): Promise<string> {
    const answering = this.#listening.promise.then((url) => waitForHealth(url));
    const late = pause(START_MS, undefined, { ref: false }).then(() => {
      throw new Refusal(`The server did not answer within ${START_MS / 1000} s.`);
    });
    return Promise.race([answering, this.died, late]);
  }

  /** Ends it and everything it started; resolves when that is gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#child.connected) this.#child.send("stop");
    await Promise.race([this.#closed.promise, pause(STOP_MS, undefined, { ref: false })]);
    this.#killGroup();
  }

  #killGroup(): void {
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, "SIGKILL");
    } catch {
      // The group is gone already.
    }
  }
}

/** The loopback address in place of a wildcard, which nobody can call. */
function callable(url: string): string {
  return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
}

async function waitForHealth(url: string): Promise<string> {
  for (;;) {
    const response = await fetch(`${url}/health`).catch(() => null);
    if (response?.status === 200) return url;
    if (response?.status === 503) throw new Refusal(`The server refuses to work: ${await detailOf(response)}`);
    await pause(HEALTH_POLL_MS);
  }
}

/** Writes frames to agents, as JSON text. */
import type { Command, PrintFile } from "../domain/command.ts";
import type { CommandKind } from "../domain/command-kind.ts";
import type { Configuration } from "../domain/configuration.ts";

/** One text frame. */
export type ToAgent = string;

/** `get_state_id`: both agents answer it after what came with it. */
function stateProbe(ref: string) {
  return { target: "_printer", func: "get_state_id", ref };
}

export function writeProbe(ref: string): ToAgent {
  return JSON.stringify({ passthru: stateProbe(ref) });
}

/** What a command's frame says, by kind; `origin` is where the agent dialled, `https://host[:port][/path]`. */
const FRAMES = {
  pause: (command, configuration) =>
    command.via === "passthru" ? plainPauseFrame(command) : orderFrame(command, pauseArguments(configuration)),
  resume: (command) => orderFrame(command, {}),
  cancel: (command) => orderFrame(command, {}),
  print_file: ({ file, ref }, _configuration, origin) => fileFrame(file, origin, ref),
} as const satisfies Record<CommandKind, (command: Command, configuration: Configuration, origin: string) => object>;

/** The command and its receipt probe in one frame; a download's own answer is its receipt. */
export function writeCommand(command: Command, configuration: Configuration, origin: string): ToAgent {
  return JSON.stringify(FRAMES[command.kind](command, configuration, origin));
}

function orderFrame({ kind, initiator, ref }: Command, args: object): object {
  return { commands: [{ cmd: kind, args, initiator }], passthru: stateProbe(ref) };
}

/** OctoPrint's agent drops a pause with any other key, or without the object. */
function pauseArguments(configuration: Configuration): object {
  return {
    retract: configuration.retractOnPause,
    lift_z: configuration.liftZOnPause,
    ...(configuration.toolsOffOnPause ? { tools_off: true } : {}),
    ...(configuration.bedOffOnPause ? { bed_off: true } : {}),
  };
}

/** Pauses OctoPrint without scripts, and does nothing where it is paused; its own answer is the receipt. */
function plainPauseFrame({ ref }: Command): object {
  return { passthru: { target: "_printer", func: "pause_print", args: [], ref } };
}

/** Its own answer is the receipt. A file of the cloud is fetched first; one on the printer is known by path and signature. */
function fileFrame(file: PrintFile | null, origin: string, ref: string): object {
  if (file === null) throw new Error("a command to print a file names none");
  const { id, path, filename, safeFilename, agentSignature } = file;
  if (agentSignature) {
    const args = [{ url: path, agent_signature: agentSignature }];
    return { passthru: { target: "file_operations", func: "start_printer_local_print", args, ref } };
  }
  const args = [{ id, url: origin + path, filename, safe_filename: safeFilename }];
  return { passthru: { target: "file_downloader", func: "download", args, ref } };
}

/** A flag that is null is left out: updates are partial. */
export function writeRemoteStatus(viewing: boolean | null, shouldWatch: boolean | null): ToAgent {
  const flags = {
    ...(viewing === null ? {} : { viewing }),
    ...(shouldWatch === null ? {} : { should_watch: shouldWatch }),
  };
  return JSON.stringify({ remote_status: flags });
}

/** What of the agent's frames was not taken: a stable code, and a sentence. */
export function writeFault({ code, detail }: { readonly code: string; readonly detail: string }): ToAgent {
  return JSON.stringify({ error: { code, detail } });
}

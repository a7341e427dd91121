/** The kinds of commands, and everything that is particular to one of them. */
import type { Phase } from "./phase.ts";
import type { AlertOverwrite } from "./print.ts";
import type { ReportedEventType } from "./report.ts";

/** `print_file` makes the agent fetch a cloud file and print it; the others act on the current print. */
export const COMMAND_KINDS = ["pause", "resume", "cancel", "print_file"] as const;
export type CommandKind = (typeof COMMAND_KINDS)[number];

interface CommandTraits {
  /** Kinds that mean nothing any more once this one was delivered. */
  readonly supersedes: readonly CommandKind[];
  /** The machine moves when it is obeyed, so it goes only to an agent that was heard lately [C19]. */
  readonly startsMotion: boolean;
  /** How giving it resolves an open failure alert; null: not at all. */
  readonly acknowledges: AlertOverwrite | null;
}

/** A command that acts on the current print: what its agent shows while it obeys, and once it has. */
export interface PrintCommandTraits extends CommandTraits {
  /** Phases in which it goes out although no print is current. */
  readonly actsIn: readonly Phase[];
  readonly transient: Phase;
  /** Events that tell the same as the transient phase. */
  readonly transientEvents: readonly ReportedEventType[];
  readonly doneEvent: ReportedEventType;
  readonly done: Phase;
  /** When `done` counts without its transient phase: seen in two reports in a row, or after `paused`. */
  readonly doneAlso: "twice" | "after-paused" | null;
  /** Whether `done`, seen on a later socket, settles a command that was given up. */
  readonly isSettledLater: boolean;
  /** Whether the end of its print is what it was given for. */
  readonly endsPrint: boolean;
  /** Phases after the transient one that show that it was not obeyed. */
  readonly undone: readonly Phase[];
  /** States that an agent may name in its receipt when it obeyed. */
  readonly obeyed: readonly Phase[];
}

const PRINT_COMMAND_KINDS = COMMAND_KINDS.filter((kind) => kind !== "print_file");
/** Kinds that act on the current print. */
export type PrintCommandKind = (typeof PRINT_COMMAND_KINDS)[number];

/** Everything that is particular to one kind of command; `protocol/to-agent.ts` has what its frame says. */
export const COMMANDS = {
  pause: {
    supersedes: ["resume"],
    startsMotion: false,
    acknowledges: null,
    actsIn: ["starting", "printing", "resuming"],
    transient: "pausing",
    transientEvents: [],
    doneEvent: "paused",
    done: "paused",
    doneAlso: "twice",
    isSettledLater: true,
    endsPrint: false,
    undone: ["printing"],
    obeyed: ["pausing", "paused"],
  },
  resume: {
    supersedes: ["pause"],
    startsMotion: true,
    acknowledges: "NOT_FAILED",
    actsIn: ["paused"],
    transient: "resuming",
    transientEvents: [],
    doneEvent: "resumed",
    done: "printing",
    doneAlso: "after-paused",
    isSettledLater: true,
    endsPrint: false,
    undone: ["paused"],
    obeyed: ["resuming", "printing"],
  },
  cancel: {
    supersedes: ["pause", "resume"],
    startsMotion: false,
    acknowledges: "FAILED",
    actsIn: ["starting", "printing", "pausing", "paused", "resuming", "finishing"],
    transient: "cancelling",
    transientEvents: ["cancelling"],
    doneEvent: "cancelled",
    done: "idle",
    doneAlso: null,
    // An idle printer on a later socket says nothing of how its print ended.
    isSettledLater: false,
    endsPrint: true,
    undone: ["printing", "paused"],
    obeyed: ["cancelling", "idle"],
  },
  print_file: { supersedes: [], startsMotion: true, acknowledges: null },
} as const satisfies Record<PrintCommandKind, PrintCommandTraits> & Record<CommandKind, CommandTraits>;

/** The traits as their general type: lists of a literal type can only be searched for their own values. */
export function traitsOf(kind: CommandKind): CommandTraits {
  return COMMANDS[kind];
}

export function printTraitsOf(kind: PrintCommandKind): PrintCommandTraits {
  return COMMANDS[kind];
}

/** The lives by name, and what happens in each. */

interface Life {
  readonly name: string;
  readonly story: string;
}

export const LIVES = [
  { name: "pause-cancel-0.1", story: "Klipper with macros of 3 s: pause, and cancel 0.1 s later" },
  { name: "pause-cancel-0.3", story: "the same, 0.3 s later" },
  { name: "pause-cancel-1", story: "the same, 1 s later" },
  { name: "pause-cancel-2", story: "the same, 2 s later" },
  { name: "pause-resume-0.3", story: "Klipper with macros of 3 s: pause, and resume 0.3 s later" },
  { name: "pause-resume-1", story: "the same, 1 s later" },
  { name: "pause-resume-2", story: "the same, 2 s later" },
  { name: "resume-cancel", story: "Klipper with macros of 3 s: paused, then resume, and cancel 1 s later" },
  { name: "long-wait", story: "Klipper waits 35 s in one line of the file when it is told to pause" },
  { name: "instant-macros", story: "Klipper with macros that take no time: pause, and resume 0.1 s later" },
  { name: "refused-cancel", story: "Klipper refuses a cancel, with a line on its console" },
  { name: "ignored-cancel", story: "Klipper's cancel macro does nothing, and says nothing" },
  { name: "sd-cancel", story: "OctoPrint prints from SD and does not obey a cancel; a second press" },
  { name: "sd-resumed", story: "OctoPrint's SD print, paused, is resumed at the machine; then a pause" },
  { name: "sd-resume-running", story: "a resume while OctoPrint prints from SD" },
  { name: "unknown-agent", story: "an agent nobody knows, with texts of its own: its flags count" },
  { name: "nameless", story: "a print whose file has a path and no name" },
  { name: "unnamed", story: "a print without any name, which comes later" },
  { name: "repeated-stamp", story: "a clock that restarts: two prints of two files under one time stamp" },
  { name: "restarted-klipper", story: "the same file again under the time stamp of a print that was cancelled" },
  { name: "done-told-late", story: "a print is gone, and the agent tells later that it was done" },
  { name: "cloned-agent", story: "two agents with one token take turns every 2 s: one prints, one is idle" },
  { name: "clock-8h-behind", story: "the first frame of a new printer begins a print, its clock 8 h behind" },
  { name: "clock-set-back", story: "a clock is set back 2 h in mid-print" },
  { name: "clock-20s-back", story: "a clock goes 20 s back in mid-print" },
  { name: "paused-octoprint", story: "a pause for an OctoPrint that was paused before it connected" },
  { name: "pressed-twice", story: "a second pause for an OctoPrint that did not say whether it read the first" },
  { name: "delivered-pause", story: "a resume right after a delivered pause, before any report" },
  { name: "no-current-print", story: "a machine prints and its agent says that there is no print: cancel" },
  { name: "download", story: "a cancel while the agent fetches a file that it will print" },
  { name: "new-socket", story: "a pause is delivered, the socket is replaced, and the next one shows it paused" },
] as const satisfies readonly Life[];

export type LifeName = (typeof LIVES)[number]["name"];

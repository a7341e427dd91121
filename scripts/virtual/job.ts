/** A sliced file as a printer's host knows it. */
import { between, hexadecimal, pick, type Random } from "./random.ts";

export interface Job {
  /** Base name, ends in `.gcode`. */
  readonly name: string;
  /** Relative to the host's root of files. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Unix seconds with a fraction. */
  readonly modifiedAt: number;
  /** 40 hexadecimal digits. */
  readonly hash: string;
  /** What the print takes once it is hot, without pauses. */
  readonly seconds: number;
  readonly layers: number;
  readonly layerHeightMm: number;
  readonly filamentMm: number;
  readonly nozzleC: number;
  readonly bedC: number;
}

const NAMES = [
  "bracket",
  "cable_clip",
  "drawer_handle",
  "hinge_left",
  "lamp_foot",
  "plant_pot",
  "spool_adapter",
  "wall_hook",
] as const;

const MATERIALS = [
  { nozzleC: 215, bedC: 60 },
  { nozzleC: 240, bedC: 80 },
  { nozzleC: 250, bedC: 100 },
] as const;

/** A file of 25 to 90 minutes. `now` in epoch milliseconds. */
export function makeJob(random: Random, now: number): Job {
  const seconds = Math.round(between(random, 1500, 5400));
  return makeNamedJob(random, now, `${pick(random, NAMES)}_${Math.floor(between(random, 1, 100))}.gcode`, seconds);
}

/** A file that the caller names, for instance one that came out of the cloud. */
export function makeNamedJob(random: Random, now: number, path: string, seconds: number): Job {
  return {
    name: path.slice(path.lastIndexOf("/") + 1),
    path,
    sizeBytes: Math.round(seconds * between(random, 900, 1300)),
    modifiedAt: Math.floor(now / 1000) - Math.floor(between(random, 60, 86_400)) + 0.25,
    hash: hexadecimal(random, 40),
    seconds,
    layers: Math.max(10, Math.round(seconds / between(random, 18, 30))),
    layerHeightMm: 0.2,
    filamentMm: Math.round(seconds * between(random, 1.5, 2.5) * 10) / 10,
    ...pick(random, MATERIALS),
  };
}

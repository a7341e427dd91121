/** The camera of an agent that names none, and what an older agent leaves out of its one [A23]. */
export const DEFAULT_WEBCAM = {
  name: "",
  is_primary_camera: true,
  flipV: false,
  flipH: false,
  rotation: 0,
  streamRatio: "16:9",
} as const;

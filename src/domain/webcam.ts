/** The camera of an agent that names none, and what one that an older agent describes leaves out (semantics A3). */
export const DEFAULT_WEBCAM = {
  name: "",
  is_primary_camera: true,
  flipV: false,
  flipH: false,
  rotation: 0,
  streamRatio: "16:9",
} as const;

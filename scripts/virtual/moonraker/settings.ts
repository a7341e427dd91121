/** The `settings` of moonraker-obico 2.1.4, as far as it knows them by then. */

const PLATFORM = ["Linux", "virtual-klipper", "6.1.0-rpi", "#1 SMP", "aarch64", "", "Raspberry Pi 4 Model B"];

const WEBCAM = {
  name: "",
  is_primary_camera: true,
  is_nozzle_camera: false,
  stream_mode: "mjpeg_webrtc",
  stream_id: 2,
  data_channel_available: false,
  flipV: false,
  flipH: false,
  rotation: 0,
  streamRatio: "4:3",
} as const;

/** The webcam's start-up and the reading of presets and plugins end at different times. */
export function moonrakerSettings(known: { readonly webcam: boolean; readonly presets: boolean }): object {
  return {
    webcams: known.webcam ? [WEBCAM] : null,
    data_channel_id: known.webcam ? 389 : null,
    temperature: { profiles: known.presets ? [{ name: "PLA", heater_bed: 60, extruder: 215 }] : [] },
    agent: { name: "moonraker_obico", version: "2.1.4" },
    platform_uname: PLATFORM,
    installed_plugins: known.presets ? ["mainsail", "moonraker-obico"] : [],
  };
}

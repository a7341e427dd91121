/** The `settings` of OctoPrint-Obico 2.6.1 [V24]. */

const PLATFORM = ["Linux", "virtual-octopi", "6.1.0-rpi", "#1 SMP", "armv7l", "", "Raspberry Pi 3 Model B Plus"];

/** `hasFirmware`: the printer has answered what firmware it runs. */
export function octoprintSettings(hasFirmware: boolean): object {
  const metadata = { FIRMWARE_NAME: "Virtual Marlin 2.1", PROTOCOL_VERSION: "1.0" };
  return {
    temperature: {
      profiles: [
        { name: "PLA", extruder: 215, bed: 60 },
        { name: "PETG", extruder: 240, bed: 80 },
      ],
      cutoff: 30,
      sendAutomatically: false,
      sendAutomaticallyAfter: 1,
    },
    agent: { name: "octoprint_obico", version: "2.6.1" },
    octoprint_version: "1.10.3",
    platform_uname: PLATFORM,
    installed_plugins: ["obico"],
    ...(hasFirmware ? { printer_metadata: metadata } : {}),
  };
}

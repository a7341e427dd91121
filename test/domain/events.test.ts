import { expect, test } from "vitest";
import { tellPrintEvent, textOfPrintEvent } from "../../src/domain/events.ts";
import { endPrint, printByServer } from "../../src/domain/print.ts";

const PRINT = printByServer(700_001, 1_790_000_100, "hook.gcode", 0);

test.each([
  ["STARTED", PRINT, "INFO", "Print Job Started"],
  ["PAUSED", PRINT, "INFO", "Print Job Paused"],
  ["RESUMED", PRINT, "INFO", "Print Job Resumed"],
  ["ENDED", endPrint(PRINT, "done", 1, false), "SUCCESS", "Print Job Finished"],
  ["ENDED", endPrint(PRINT, "cancelled", 1, false), "WARNING", "Print Job Canceled"],
  ["ENDED", endPrint(PRINT, "failed-error", 1, false), "WARNING", "Print Job Canceled"],
  ["ENDED", endPrint(PRINT, "idle", 1, false), "WARNING", "Print Job Ended"],
  ["FILAMENT_CHANGE", PRINT, "WARNING", "Filament Change Required"],
  ["ALERT_MUTED", PRINT, "WARNING", "Watching Turned Off"],
  ["ALERT_UNMUTED", PRINT, "INFO", "Watching Turned On"],
  ["FAILURE_ALERTED", PRINT, "ERROR", "Possible Failure Detected"],
] as const)("[L30] %s, row %#", (type, print, eventClass, title) => {
  expect(tellPrintEvent(type, print)).toEqual({ class: eventClass, title });
});

test("[L31] the text names printer and file, and neither name is read as HTML", () => {
  expect(textOfPrintEvent('<b>A</b> & "B"', "it's.gcode")).toBe(
    "<div><i>Printer:</i> &lt;b&gt;A&lt;/b&gt; &amp; &quot;B&quot;</div><div><i>G-Code:</i> it&#39;s.gcode</div>",
  );
});

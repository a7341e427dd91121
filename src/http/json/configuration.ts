/** What an owner may set on a printer, under the names and in the ranges of the wire. */
import * as z from "zod";
import { type ConfigurationPatch, FAILURE_ACTIONS, LIMITS } from "../../domain/configuration.ts";
import { booleanField, choiceField, integerField, numberField, textField } from "../kit/fields.ts";

export const nameField = textField(LIMITS.nameCodePoints);

/** Unknown and read-only keys are dropped: a GET's body sent back whole is a valid one. */
export const PrinterPatchBody = z
  .object({
    name: nameField,
    action_on_failure: choiceField(FAILURE_ACTIONS),
    watching_enabled: booleanField(),
    tools_off_on_pause: booleanField(),
    bed_off_on_pause: booleanField(),
    retract_on_pause: numberField(LIMITS.pauseMotionMm),
    lift_z_on_pause: numberField(LIMITS.pauseMotionMm),
    detective_sensitivity: numberField(LIMITS.sensitivity),
    min_timelapse_secs_on_finish: integerField(LIMITS.timelapseSecs),
    min_timelapse_secs_on_cancel: integerField(LIMITS.timelapseSecs),
  })
  .partial();

export const NewPrinterBody = PrinterPatchBody.extend({ name: nameField });

export function configurationPatch(body: z.output<typeof PrinterPatchBody>): ConfigurationPatch {
  return {
    name: body.name,
    actionOnFailure: body.action_on_failure,
    watchingEnabled: body.watching_enabled,
    toolsOffOnPause: body.tools_off_on_pause,
    bedOffOnPause: body.bed_off_on_pause,
    retractOnPause: body.retract_on_pause,
    liftZOnPause: body.lift_z_on_pause,
    detectiveSensitivity: body.detective_sensitivity,
    minTimelapseSecsOnFinish: body.min_timelapse_secs_on_finish,
    minTimelapseSecsOnCancel: body.min_timelapse_secs_on_cancel,
  };
}

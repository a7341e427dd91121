/** What an owner sets on a printer, as bodies ask for it and as JSON shows it: derived from the table of its fields. */
import * as z from "zod";
import {
  CONFIGURATION_FIELDS,
  CONFIGURATION_KEYS,
  type Configuration,
  type ConfigurationField,
  type ConfigurationPatch,
  type OnTheWire,
} from "../../domain/configuration.ts";
import { booleanField, choiceField, integerField, numberField, textField } from "../kit/fields.ts";

type Schemas = OnTheWire<{ [K in keyof Configuration]: z.ZodType<Configuration[K], Configuration[K]> }>;

function wireEntries<T>(make: (field: ConfigurationField, key: keyof Configuration) => T): [string, T][] {
  return CONFIGURATION_KEYS.map((key) => [CONFIGURATION_FIELDS[key].wire, make(CONFIGURATION_FIELDS[key], key)]);
}

function bodySchema(field: ConfigurationField): z.ZodType {
  switch (field.kind) {
    case "text":
      return textField(field.maxCodePoints);
    case "choice":
      return choiceField(field.choices);
    case "flag":
      return booleanField();
    case "number":
      return numberField(field);
    case "integer":
      return integerField(field);
  }
}

function jsonSchema(field: ConfigurationField): z.ZodType {
  switch (field.kind) {
    case "text":
      return z.string();
    case "choice":
      return z.enum(field.choices);
    case "flag":
      return z.boolean();
    case "number":
      return z.number();
    case "integer":
      return z.int();
  }
}

const bodyFields = Object.fromEntries(wireEntries(bodySchema)) as Schemas; // safe: each kind's schema gives its values

/** Unknown and read-only keys are dropped: a GET's body sent back whole is a valid one. */
export const PrinterPatchBody = z.object(bodyFields).partial();

export const nameField = bodyFields.name;

export const NewPrinterBody = PrinterPatchBody.extend({ name: nameField });

export function configurationPatch(body: z.output<typeof PrinterPatchBody>): ConfigurationPatch {
  return Object.fromEntries(CONFIGURATION_KEYS.map((key) => [key, body[CONFIGURATION_FIELDS[key].wire]]));
}

/** Schemas of the fields, for the JSON of whatever shows a configuration. */
export const configurationFields = Object.fromEntries(
  wireEntries((field) => {
    const schema = jsonSchema(field);
    return field.about === undefined ? schema : schema.describe(field.about);
  }),
) as Schemas; // safe: each kind's schema takes its values

export function configurationJson(configuration: Configuration): OnTheWire<Configuration> {
  const json: Record<string, unknown> = {};
  for (const key of CONFIGURATION_KEYS) json[CONFIGURATION_FIELDS[key].wire] = configuration[key];
  return json as OnTheWire<Configuration>; // safe: each field's value under its name
}

import { getTableColumns } from "drizzle-orm";
import { expect, test } from "vitest";
import { printers } from "../../src/db/schema/printers.ts";
import { CONFIGURATION_FIELDS, CONFIGURATION_KEYS } from "../../src/domain/configuration.ts";

test("[O62] a configuration column that has a default has that of a new printer", () => {
  const columns = getTableColumns(printers);
  const wrong = CONFIGURATION_KEYS.filter((key) => {
    const field = CONFIGURATION_FIELDS[key];
    return columns[key].hasDefault && (!("initial" in field) || columns[key].default !== field.initial);
  });
  expect(wrong).toEqual([]);
});

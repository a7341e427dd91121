/** Statistics of prints by local day, week, month or year. */
import { Hono } from "hono";
import * as z from "zod";
import { connect } from "../../db/client.ts";
import { sumPrints } from "../../db/print-stats.ts";
import { invalid } from "../../domain/failure.ts";
import { addUp, GROUPINGS, PERIODS_MAX, type PeriodSums, type PrintStats, splitPeriods } from "../../domain/stats.ts";
import type { HttpEnv } from "../kit/context.ts";
import { FailureError } from "../kit/errors.ts";
import { choiceField } from "../kit/fields.ts";
import { getOnly, route } from "../kit/route.ts";
import { dayField, printFields, selectionOf, zoneField } from "./query.ts";

const GroupsJson = z.array(z.object({ key: z.string().describe("The period's first moment."), value: z.number() }));

const PrintStatsJson = z
  .object({
    print_count_groups: GroupsJson,
    print_time_groups: GroupsJson.describe("Seconds."),
    filament_used_groups: GroupsJson.describe("mm"),
    total_print_count: z.int(),
    total_print_time: z.number(),
    total_filament_used: z.number(),
    total_cancelled_print_count: z.int(),
    total_succeeded_print_count: z.int().describe("All that were not cancelled, a current one too."),
    longest_print_time: z.number(),
    average_print_time: z.number(),
  })
  .meta({ id: "PrintStats" });

function statsJson({ groups, total }: PrintStats): z.input<typeof PrintStatsJson> {
  const by = (value: (sums: PeriodSums) => number) => groups.map(({ key, sums }) => ({ key, value: value(sums) }));
  return {
    print_count_groups: by((sums) => sums.count),
    print_time_groups: by((sums) => sums.printTimeSeconds),
    filament_used_groups: by((sums) => sums.filamentMm),
    total_print_count: total.count,
    total_print_time: total.printTimeSeconds,
    total_filament_used: total.filamentMm,
    total_cancelled_print_count: total.cancelledCount,
    total_succeeded_print_count: total.count - total.cancelledCount,
    longest_print_time: total.longestSeconds,
    average_print_time: total.count === 0 ? 0 : total.printTimeSeconds / total.count,
  };
}

const stats = route(
  {
    method: "GET",
    path: "/api/v1/prints/stats",
    summary: "Count prints, hours and filament by period",
    description: "Periods are real local days, also where a clock changes; weeks begin on Sundays.",
    access: "read",
    query: z.object({
      ...printFields,
      from_date: dayField.describe("The first local day of their starts, YYYY-MM-DD."),
      to_date: dayField.describe("The last one."),
      timezone: zoneField.describe("An IANA name."),
      group_by: choiceField(GROUPINGS),
    }),
    answers: { 200: PrintStatsJson },
  },
  async (c) => {
    const query = c.req.valid("query");
    const periods = splitPeriods(query.timezone, query.from_date, query.to_date, query.group_by);
    if (periods === null) throw new FailureError(invalid("group_by", `More than ${PERIODS_MAX} periods.`));
    const sums = await sumPrints(connect(c.env.DB), selectionOf(c.get("caller").userId, query), periods);
    return c.json(statsJson(addUp(periods, sums)), 200);
  },
);

export const printStatistics = new Hono<HttpEnv>().on(...stats).on(...getOnly("/api/v1/prints/stats"));

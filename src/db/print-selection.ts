/** Which prints of an account a list or a statistic is about. */
import { and, eq, isNotNull, isNull, type SQL, sql } from "drizzle-orm";
import { prints } from "./schema/history.ts";

export const PRINT_FILTERS = [
  "cancelled",
  "finished",
  "need_alert_overwrite",
  "need_print_shot_feedback",
  "none",
] as const;
type PrintFilter = (typeof PRINT_FILTERS)[number];

export const FEEDBACK_FILTERS = ["need_alert_overwrite", "need_print_shot_feedback"] as const;
type FeedbackFilter = (typeof FEEDBACK_FILTERS)[number];

/** Every part narrows the others. */
export interface PrintSelection {
  readonly userId: number;
  readonly filter: PrintFilter;
  /** Prints that wait for a look at their time-lapse or its pictures; null: whether or not. */
  readonly feedback: FeedbackFilter | null;
  /** Null: of any printer. */
  readonly printerIds: readonly number[] | null;
  /** Bounds of the start, epoch milliseconds; `startedBefore` itself is excluded. */
  readonly startedFrom: number | null;
  readonly startedBefore: number | null;
  readonly withDeleted: boolean;
}

/** No time-lapses are made yet: no print waits for a look at one. */
const NONE = sql`0`;

export function selects(selection: PrintSelection): SQL | undefined {
  const { userId, printerIds, startedFrom, startedBefore, withDeleted } = selection;
  return and(
    eq(prints.userId, userId),
    withDeleted ? undefined : isNull(prints.deletedAt),
    startedFrom === null ? undefined : sql`${prints.startedAt} >= ${startedFrom}`,
    startedBefore === null ? undefined : sql`${prints.startedAt} < ${startedBefore}`,
    printerIds === null ? undefined : sql`${prints.printerId} in ${anyOf(printerIds)}`,
    passes(selection.filter),
    selection.feedback === null ? undefined : NONE,
  );
}

function passes(filter: PrintFilter): SQL | undefined {
  switch (filter) {
    case "cancelled":
      return isNotNull(prints.cancelledAt);
    case "finished":
      return isNotNull(prints.finishedAt);
    case "need_alert_overwrite":
      return isNull(prints.alertOverwrite);
    case "need_print_shot_feedback":
      return NONE;
    case "none":
      return undefined;
  }
}

/** Any number of values as one parameter: D1 binds 100 at most. */
export function anyOf(values: readonly (number | string)[]): SQL {
  return sql`(select value from json_each(${JSON.stringify(values)}))`;
}

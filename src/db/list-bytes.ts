/** Bounds the bytes of agents' JSON that one list reads and shows ([O71]). */
import { type SQL, sql } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";

/** Of all texts of a list together: within it nothing is cut. */
const ALL_BYTES = 4 * 1024 * 1024;
/** A text that is no longer is never cut, however long the others are: a thousand of them have those 4 MiB. */
const SHORT_BYTES = 4 * 1024;
/** What is left of a string that is longer than its key may be. */
const CUT_CHARACTERS = 100;

/** Keys that are kept, plain words, each with the bytes that it may have, or with what is kept in it. */
export interface Kept {
  readonly [key: string]: number | Kept;
}

/** Stands for a text that was not read: no JSON text is empty. */
export const WITHHELD = "";

/**
 * Of a column of JSON texts `shown`; of a long one, where the list's all together (`total`, a SELECT) are too long, what `kept`
 * leaves, or without it that there is one. SQLite knows a text's length without reading it, and asks once for the total, if any
 * text is long.
 */
export function boundedJson(column: SQLiteColumn, shown: SQL | SQLiteColumn, total: SQL, kept: Kept | null): SQL {
  const isWhole = sql`coalesce(octet_length(${column}), 0) <= ${literal(SHORT_BYTES)} or (${total}) <= ${literal(ALL_BYTES)}`;
  const other =
    kept === null
      ? sql`else ${literal(WITHHELD)}`
      : sql`when json_valid(${column}) then ${keptIn(sql`${column}`, kept, "v")}`;
  return sql`case when ${isWhole} then ${shown} ${other} end`;
}

/** A JSON object of those members, each as its agent wrote it. `name` is that of a member's row, and begins those below it. */
function keptIn(json: SQL, kept: Kept, name: string): SQL {
  const [key, value, type] = ["key", "value", "type"].map((column) => sql.raw(`${name}.${column}`));
  const entries = Object.entries(kept);
  const nested = entries.flatMap(([word, under]) =>
    typeof under === "number"
      ? []
      : [
          sql`when ${type} = 'object' and ${key} = ${literal(word)}
      then ${keptIn(sql`${value}`, under, `${name}v`)}`,
        ],
  );
  const limits = entries.map(
    ([word, bytes]) => sql`when ${literal(word)} then ${literal(typeof bytes === "number" ? bytes : 0)}`,
  );
  const limit = sql`case ${key} ${sql.join(limits, sql` `)} end`;
  const isLong = sql`coalesce(octet_length(${value}), 0) > ${limit}`;
  return sql`(select json_group_object(${key}, json(case ${sql.join(nested, sql` `)}
    when ${isLong} then json_quote(substr(${value}, 1, ${literal(CUT_CHARACTERS)})) else ${json} -> ${key} end))
    from json_each(${json}) as ${sql.raw(name)}
    where ${key} in (${sql.join(
      entries.map(([word]) => literal(word)),
      sql`, `,
    )})
    and (not ${isLong} or ${type} = 'text' or (${type} = 'object' and ${limit} = 0)))`;
}

/** A number or a plain word. */
function literal(value: number | string): SQL {
  return sql.raw(typeof value === "number" ? `${value}` : `'${value}'`);
}

/** Times on the wire: `YYYY-MM-DDTHH:MM:SS.mmmZ`. */
import * as z from "zod";

export const TimeJson = z.iso.datetime({ precision: 3 });

/** From epoch milliseconds. */
export function timeJson(at: number): string;
export function timeJson(at: number | null): string | null;
export function timeJson(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

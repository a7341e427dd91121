/** Lists in numbered pages: what asks for a page, and the envelope that it comes in. */
import * as z from "zod";
import type { NumberedPage } from "../../db/numbered-page.ts";
import type { HttpContext } from "./context.ts";
import { FailureError } from "./errors.ts";
import { integerField, refuse } from "./fields.ts";
import { publicUrl } from "./origin.ts";

const PAGE_SIZE = 6;
const PAGE_SIZE_MAX = 500;

export const numberedPageFields = {
  page: z
    .string()
    .default("1")
    .transform((text, c) => readPage(text) ?? refuse(c, "A valid page number, or `last`, is required."))
    .meta({ anyOf: [{ type: "integer", minimum: 1, maximum: 999_999_999 }, { const: "last" }], default: 1 })
    .describe("From 1 on, or `last`."),
  page_size: integerField({ min: 1, max: PAGE_SIZE_MAX }).default(PAGE_SIZE),
};

function readPage(text: string): number | "last" | null {
  if (text === "last") return text;
  return /^[1-9][0-9]{0,8}$/.test(text) ? Number(text) : null;
}

export function numberedPage(query: { readonly page: number | "last"; readonly page_size: number }): NumberedPage {
  return { number: query.page, size: query.page_size };
}

export function envelope<T extends z.ZodType>(item: T) {
  return z.object({
    count: z.int().describe("On all pages."),
    next: z.url().nullable(),
    previous: z.url().nullable(),
    results: z.array(item),
  });
}

/** 404 for a page behind the last one; the first is always there. */
export function inEnvelope<T>(c: HttpContext, { number, size }: NumberedPage, count: number, results: T[]) {
  const pages = Math.max(1, Math.ceil(count / size));
  const shown = number === "last" ? pages : number;
  if (shown > pages) throw new FailureError({ code: "not_found", noun: null, sentence: "Invalid page." });
  const pageUrl = (page: number): string => {
    const { searchParams } = new URL(c.req.raw.url);
    searchParams.set("page", String(page));
    return publicUrl(c, `${c.req.path}/?${searchParams}`);
  };
  return {
    count,
    next: shown < pages ? pageUrl(shown + 1) : null,
    previous: shown > 1 ? pageUrl(shown - 1) : null,
    results,
  };
}

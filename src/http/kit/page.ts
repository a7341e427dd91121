/** Pages for people. They load nothing, stand in no frame, and tell no other page where their reader was ([S81]). */
import type { Context } from "hono";
import type { HtmlEscapedString } from "hono/utils/html";

/** `make` gets the nonce of its own `<style>`: no other style, and no script, is carried out. */
export function answerPage(c: Context, make: (nonce: string) => HtmlEscapedString | Promise<HtmlEscapedString>) {
  const nonce = crypto.randomUUID();
  const sources = `default-src 'none'; style-src 'nonce-${nonce}'`;
  c.header("Content-Security-Policy", `${sources}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`);
  c.header("Referrer-Policy", "no-referrer");
  return c.html(make(nonce));
}

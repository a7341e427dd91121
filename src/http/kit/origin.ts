/** What URLs begin with that are handed out ([H74]). None ends with a slash. */
import type { HttpContext } from "./context.ts";

/** The URL of a path of ours, which begins with a slash or is empty. */
export function publicUrl(c: HttpContext, path: string): string {
  return (c.var.settings.publicOrigin ?? askedOrigin(c)) + path;
}

/** Where an agent dialled; whatever it is to fetch lies there. */
export function dialledOrigin(c: HttpContext): string {
  const { publicOrigin } = c.var.settings;
  const origin = askedOrigin(c);
  // The same with its path, of which a proxy need not tell.
  return publicOrigin?.startsWith(`${origin}/`) === true ? publicOrigin : origin;
}

/** The request's own, or what the proxy in front tells of it. */
function askedOrigin(c: HttpContext): string {
  const { protocol, host } = new URL(c.req.raw.url);
  if (!c.var.settings.trustsProxy) return `${protocol}//${host}`;
  // The first of several proxies is the one that was asked.
  const told = (what: string) => c.req.header(`X-Forwarded-${what}`)?.split(",", 1)[0]?.trim() ?? "";
  const [, secure] = /^(?:http|ws)(s?)$/i.exec(told("Proto")) ?? [];
  const asked = `${secure === undefined ? protocol : `http${secure.toLowerCase()}:`}//${told("Host") || host}`;
  const [prefix = ""] = /^(?:\/[\w.~-]+)+/.exec(told("Prefix")) ?? [];
  return (URL.parse(asked)?.origin ?? `${protocol}//${host}`) + prefix;
}

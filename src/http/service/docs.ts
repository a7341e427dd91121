/** What the service says of itself: where things are, whether it works, and the description of its routes. */
import { Hono } from "hono";
import * as z from "zod";
import { authenticate } from "../kit/auth.ts";
import type { HttpContext, HttpEnv } from "../kit/context.ts";
import { describeRoutes, type OpenApi, type RouteList } from "../kit/openapi.ts";
import { publicUrl } from "../kit/origin.ts";
import { answerPage } from "../kit/page.ts";
import { route } from "../kit/route.ts";
import { docsPage } from "./docs-page.ts";

export const VERSION = "0.1.0";
/** Of the API, as existing clients ask for it. */
const API_VERSION = "1.0.0";

const index = route(
  {
    method: "GET",
    path: "/",
    summary: "Where things are",
    access: "open",
    answers: {
      200: z.object({
        name: z.string(),
        version: z.string(),
        docs: z.string(),
        openapi: z.string(),
        health: z.string(),
      }),
    },
  },
  (c) => {
    const at = (path: string) => publicUrl(c, path);
    const where = { docs: at("/docs"), openapi: at("/openapi.json"), health: at("/health") };
    return c.json({ name: "Platen", version: VERSION, ...where }, 200);
  },
);

const health = route(
  {
    method: "GET",
    path: "/health",
    summary: "Whether the service runs and is configured",
    access: "open",
    answers: { 200: z.object({ status: z.literal("ok"), version: z.string() }) },
  },
  (c) => c.json({ status: "ok" as const, version: VERSION }, 200),
);

const version = route(
  {
    method: "GET",
    path: "/api/v1/version",
    summary: "The version of the API",
    description: "Open, but a credential that is sent is judged: so clients test theirs.",
    access: "open",
    answers: { 200: z.object({ version: z.string() }) },
  },
  async (c) => {
    const credential = c.req.header("Authorization") ?? c.req.header("X-API-Key");
    if (credential !== undefined) await authenticate(c, { printerId: null, list: null });
    return c.json({ version: API_VERSION }, 200);
  },
);

/** `described`: the whole program, asked for only once a description is. */
export function docs(described: () => RouteList) {
  let document: Omit<OpenApi, "servers"> | null = null;
  const openApi = (c: HttpContext): OpenApi => {
    document ??= describeRoutes(described(), VERSION);
    return { ...document, servers: [{ url: publicUrl(c, "") }] };
  };
  return new Hono<HttpEnv>()
    .on(...index)
    .on(...health)
    .on(...version)
    .get("/openapi.json", (c) => c.json(openApi(c)))
    .get("/docs", (c) => answerPage(c, (nonce) => docsPage(openApi(c), nonce)));
}

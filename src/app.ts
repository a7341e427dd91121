/** The whole HTTP program: what every request passes, in order, then the routes by noun. */
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { methodNotAllowed } from "hono/method-not-allowed";
import { requestId } from "hono/request-id";
import { getPathNoStrict } from "hono/utils/url";
import { readCorsOrigins, readOnce, readSettings } from "./env.ts";
import { apiTokens } from "./http/account/api-tokens.ts";
import { users } from "./http/account/users.ts";
import { agent } from "./http/agent/calls.ts";
import { connect } from "./http/agent/connect.ts";
import { nozzleCamera } from "./http/agent/nozzle-camera.ts";
import { gCodeDownload } from "./http/g-code/download.ts";
import { gCodeFiles } from "./http/g-code/files.ts";
import { gCodeFolders } from "./http/g-code/folders.ts";
import type { HttpEnv } from "./http/kit/context.ts";
import { onError, onNotFound, problem, unwrap } from "./http/kit/errors.ts";
import { linking } from "./http/linking/codes.ts";
import { discovery } from "./http/linking/discovery.ts";
import { linkPage } from "./http/linking/page.ts";
import { commands } from "./http/printers/commands.ts";
import { currentPrint } from "./http/printers/current-print.ts";
import { events } from "./http/printers/events.ts";
import { printFile } from "./http/printers/print-file.ts";
import { printers } from "./http/printers/printers.ts";
import { prints } from "./http/prints/prints.ts";
import { printStatistics } from "./http/prints/statistics.ts";
import { docs } from "./http/service/docs.ts";

const EXPOSED = ["X-Request-Id", "Retry-After", "Preference-Applied", "Idempotency-Replayed", "ETag"];

const corsOf = readOnce((text) => {
  const origin = readCorsOrigins(text);
  const middleware = cors({
    origin,
    allowMethods: ["GET", "HEAD", "POST", "PATCH", "DELETE"],
    allowHeaders: [
      ...["Authorization", "X-API-Key", "Content-Type", "Idempotency-Key", "Prefer", "Last-Event-ID"],
      "If-None-Match",
    ],
    exposeHeaders: EXPOSED,
    maxAge: 7200,
  });
  return { isForAll: origin === "*", middleware };
});

/** Of every answer. */
function setHeaders(c: Context<HttpEnv>): void {
  c.header("X-Request-Id", c.get("requestId"));
  c.header("X-Content-Type-Options", "nosniff");
  if (c.req.path.startsWith("/api/")) c.header("Cache-Control", "private, no-cache");
}

/** What the middleware would set, too, on an answer of its own that is copied later. */
function openToAll(c: Context<HttpEnv>): void {
  c.header("Access-Control-Allow-Origin", "*");
  c.header("Access-Control-Expose-Headers", EXPOSED.join());
}

/** Lets browsers read the answer, failures too ([S55]). */
const openly: MiddlewareHandler<HttpEnv> = async (c, next) => {
  // Agents are no browsers: no page of another origin may read their routes.
  if (c.req.path.startsWith("/api/v1/octo/")) return next();
  const { isForAll, middleware } = corsOf(c.env.CORS_ORIGINS ?? "*");
  if (c.req.method === "OPTIONS") {
    // A page on the internet asks so before it calls a server on a local network ([S80]).
    if (c.req.header("Access-Control-Request-Private-Network") === "true")
      c.header("Access-Control-Allow-Private-Network", "true");
    return middleware(c, next);
  }
  if (!isForAll) return middleware(c, next);
  openToAll(c);
  await next();
  if (!c.res.headers.has("Access-Control-Allow-Origin")) openToAll(c);
};

/** Without its last slash, and with one in front, where agents' configurations may have one too many ([H76]). */
function getPath(request: Request): string {
  const path = getPathNoStrict(request);
  return path.startsWith("//") ? path.replace(/^\/+/, "/") : path;
}

const shell = new Hono<HttpEnv>({ getPath })
  .use(requestId())
  .use(async (c, next) => {
    setHeaders(c);
    await next();
    // One that was made elsewhere is without them. Each header that is set afterwards costs a new Response, so most are set before.
    if (!c.res.headers.has("X-Content-Type-Options")) setHeaders(c);
  })
  .use("/api/v1/*", openly)
  .use("/files/*", openly)
  .use("/openapi.json", openly)
  .use(async (c, next) => {
    c.set("settings", unwrap(readSettings(c.env)));
    await next();
  });

shell.use(
  methodNotAllowed({
    app: shell,
    onMethodNotAllowed: (c, allow) => problem(c, { code: "method_not_allowed", method: c.req.method, allow }),
  }),
);
shell.onError(onError);
shell.notFound(onNotFound);

export const app = shell
  .route(
    "/",
    docs(() => shell.routes),
  )
  .route("/", connect)
  .route("/", printers)
  .route("/", commands)
  .route("/", printFile)
  .route("/", currentPrint)
  .route("/", printStatistics)
  .route("/", prints)
  .route("/", events)
  .route("/", gCodeFiles)
  .route("/", gCodeFolders)
  .route("/", gCodeDownload)
  .route("/", users)
  .route("/", apiTokens)
  .route("/", linking)
  .route("/", linkPage)
  .route("/", discovery)
  .route("/", agent)
  .route("/", nozzleCamera);

/** For `hono/client`: every route with what it takes and gives. */
export type App = typeof app;

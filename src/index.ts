/** The Worker's entry: HTTP, the printers' objects, and what runs by the clock. */
import { app } from "./app.ts";
import { runRetention } from "./jobs/retention.ts";

export { PrinterObject } from "./printer/object.ts";

export default {
  fetch: app.fetch,
  scheduled: (_controller, env) => runRetention(env, Date.now()),
} satisfies ExportedHandler<Env>;

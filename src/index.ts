/** The Worker's entry: HTTP, the printers' objects, and what runs by the clock. */
import { app } from "./app.ts";

export { PrinterObject } from "./printer/object.ts";

export default { fetch: app.fetch } satisfies ExportedHandler<Env>;

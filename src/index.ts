export { PrinterObject } from "./printer/object.ts";

export default { fetch: () => new Response("soon") } satisfies ExportedHandler<Env>;

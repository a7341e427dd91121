/** `npm start`: the whole service on this machine, with an account and two virtual printers; `npm run dev` without those. */
import { readCount, readFlags } from "./arguments.ts";
import type { ServerOptions } from "./local-server.ts";
import { runScript } from "./refusal.ts";
import { stateFolder } from "./wrangler.ts";

const HELP = `Starts Platen on this machine: server, database, an account and two virtual printers.

  npm start -- [options]

  --port PORT    (default: 8787; 0: any that is free)
  --host HOST    the address to listen on (default: 127.0.0.1)
  --state DIR    where everything is kept (default: .wrangler/state)
  --no-demo      neither account nor virtual printers; changed sources are built again
  --help         this text

A second start goes on where the first stopped. Ctrl-C ends it.`;

function readOptions(): ServerOptions {
  const text = { type: "string" } as const;
  const flags = readFlags(HELP, { port: text, host: text, state: text, "no-demo": { type: "boolean" } });
  return {
    host: flags.host ?? "127.0.0.1",
    port: readCount("port", flags.port ?? "8787", 0, 65_535),
    state: stateFolder(flags.state),
    hasDemo: flags["no-demo"] !== true,
  };
}

await runScript(async () => {
  const options = readOptions();
  const { runServer } = await import("./local-server.ts");
  await runServer(options);
});

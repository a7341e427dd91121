/** What the local server prints once it serves; its lines to copy work as they stand. */
import type { ApiPrinter } from "./api.ts";
import type { Demo, DemoPrinter } from "./demo.ts";
import { quote } from "./shell.ts";
import { stateFolder } from "./wrangler.ts";

/** Of a server without virtual printers, at `url` on that folder. */
export function plainSummary(url: string, state: string): string {
  const flag = state === stateFolder(undefined) ? "" : ` --state ${quote(state)}`;
  return `
Platen runs on ${url}

  A token:        npm run -s token -- --email you@example.com${flag}
  Documentation:  ${url}/docs

Ctrl-C ends it.`;
}

/** Of one with them: nobody can pause what does not print. */
export function demoSummary(url: string, { token, printers }: Pick<Demo, "token" | "printers">): string {
  const shown = printers.map((printer) => printer.shown);
  const chosen = shown.find((printer) => hasPrint(printer) && !isPaused(printer)) ?? shown.find(hasPrint);
  const act = chosen !== undefined && isPaused(chosen) ? "resume" : "pause";
  const curl = `curl -w '\\n' -H "Authorization: Bearer ${token}"`;
  const one = `${url}/api/v1/printers/${(chosen ?? shown[0])?.id}`;
  const lines = [
    ...["", `Platen runs on ${url}`, ""],
    ...printers.map((printer) => `  ${printer.shown.id}  ${printer.shown.name}: ${describe(printer)}`),
    ...[
      "",
      `  List the printers, look at one${chosen === undefined ? "" : `, ${act} it and wait until that is seen`}:`,
      "",
    ],
    `${curl} ${quote(`${url}/api/v1/printers/`)}`,
    `${curl} ${quote(`${one}/`)}`,
    ...(chosen === undefined ? [] : [`${curl} -X POST -H "Prefer: wait=10" ${quote(`${one}/${act}_print/`)}`]),
    ...["", `  Documentation: ${url}/docs`, "", "Ctrl-C ends it."],
  ];
  return lines.join("\n");
}

function describe({ shown, idleMs }: DemoPrinter): string {
  const { current_print: print } = shown;
  if (print !== null) return `${isPaused(shown) ? "has paused" : "prints"} ${print.filename}`;
  return idleMs === 0
    ? "idle"
    : `idle since its print was cancelled; begins the next in ${Math.ceil(idleMs / 60_000)} min`;
}

function hasPrint(printer: ApiPrinter): boolean {
  return printer.current_print !== null;
}

function isPaused(printer: ApiPrinter): boolean {
  return printer.status?.state.flags.paused === true;
}

/** What the local server prints, by the state of its virtual printers. */
import { describe, expect, test } from "vitest";
import type { DemoPrinter } from "../../scripts/demo.ts";
import { demoSummary, plainSummary } from "../../scripts/summary.ts";
import { stateFolder } from "../../scripts/wrangler.ts";

const url = "http://127.0.0.1:9000";

function printer(id: number, does: "prints" | "paused" | "idle" | "cancelled"): DemoPrinter {
  const hasPrint = does === "prints" || does === "paused";
  const shown = {
    ...{ id, name: `P${id}`, auth_token: null, presence: { state: "online" as const } },
    status: { state: { text: "", flags: { paused: does === "paused" } } },
    current_print: hasPrint ? { id: 1, filename: "hook.gcode" } : null,
  };
  return { shown, idleMs: does === "cancelled" ? 61_000 : 0, isReady: true };
}

describe("the lines to copy", () => {
  test.each([
    { printers: ["prints", "prints"], id: 1, act: "pause" },
    { printers: ["paused", "prints"], id: 2, act: "pause" },
    { printers: ["paused", "cancelled"], id: 1, act: "resume" },
    { printers: ["cancelled", "paused"], id: 2, act: "resume" },
    { printers: ["cancelled", "idle"], id: 1, act: null },
  ] as const)("[R64] $printers: they look at printer $id, and act as it may: $act", ({ printers, id, act }) => {
    const demo = { token: "plt_x", printers: printers.map((does, index) => printer(index + 1, does)) };
    const curl = `curl -w '\\n' -H "Authorization: Bearer plt_x"`;
    const one = `${url}/api/v1/printers/${id}/`;
    const last = act === null ? [] : [`${curl} -X POST -H "Prefer: wait=10" ${one}${act}_print/`];
    const lines = demoSummary(url, demo).split("\n");
    expect(lines.filter((line) => line.startsWith("curl "))).toEqual([
      ...[`${curl} ${url}/api/v1/printers/`, `${curl} ${one}`],
      ...last,
    ]);
  });

  test("[R64] an address that a shell would read otherwise is quoted", () => {
    const demo = { token: "plt_x", printers: [printer(1, "prints")] };
    expect(demoSummary("http://[::1]:9000", demo)).toContain(" 'http://[::1]:9000/api/v1/printers/1/'\n");
  });

  test("[R64] a token is made for the folder that the server has", () => {
    expect(plainSummary(url, stateFolder(undefined))).toContain(" --email you@example.com\n");
    expect(plainSummary(url, "/a b")).toContain(" --email you@example.com --state '/a b'\n");
  });
});

test("[V40] the summary says why a printer stands idle, and until when", () => {
  const demo = { token: "plt_x", printers: [printer(1, "cancelled"), printer(2, "paused"), printer(3, "idle")] };
  const first = "  1  P1: idle since its print was cancelled; begins the next in 2 min";
  expect(demoSummary(url, demo)).toContain(`${first}\n  2  P2: has paused hook.gcode\n  3  P3: idle\n`);
});

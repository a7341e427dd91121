/** The virtual moonraker-obico against the recordings of the real one, and against the protocol's rules. */
import { describe, expect, test } from "vitest";
import { isJsonObject } from "../../../scripts/virtual/json.ts";
import { act, idleMachine } from "../../../scripts/virtual/machine.ts";
import { makeBench, shortJob, startBench } from "./bench.ts";
import { framesOf, gist, readRecording, shape, types } from "./recording.ts";

const REGULAR_MS = 30_000;

async function printingBench(seconds = 600) {
  const bench = await startBench("moonraker");
  bench.agent.printer.start(shortJob(seconds));
  await bench.clock.advance(65_000);
  expect(bench.news()[0]).toBe("Printing PrintStarted print");
  return bench;
}

describe("start-up", () => {
  test("[V12] calls, handshake and frames come in the recorded order", async () => {
    const recorded = readRecording("moonraker-obico-2.1.4", 52.54, 53.7).flatMap((line) => {
      if (line.http !== undefined) return [`${line.http} ${line.path}`];
      if (line.handshake !== undefined) return ["handshake"];
      return isJsonObject(line.text) ? [gist(line.text)] : [];
    });
    const { server, clock, agent } = makeBench("moonraker");
    await agent.start();
    await clock.advance(1100);
    const seen = server.seen.map((item) => {
      if (item.kind === "http") return `${item.request.method} ${item.request.url}`;
      return item.kind === "handshake" ? "handshake" : gist(item.frame);
    });
    expect(seen).toEqual(recorded);
  });

  test("[V13] a refused token is proved again for ever, and nothing else happens meanwhile", async () => {
    const { server, clock, agent } = makeBench("moonraker");
    server.answers = () => ({ status: 401 });
    await agent.start();
    await clock.advance(3_600_000);
    const proofs = server.calls("/api/v1/octo/printer/");
    const gaps = proofs.slice(1).map((call, index) => call.at - (proofs[index]?.at ?? 0));
    expect(proofs.length).toBeGreaterThan(20);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(120_000);
    expect(server.seen).toHaveLength(proofs.length);
  });

  test("[V14] restarted in mid-print: the file again, no event, the first status 30 s later with the same time stamp", async () => {
    const machine = {
      ...act(idleMachine(7), { kind: "start", job: shortJob(600), at: 1790000000 }),
      reach: "ready" as const,
    };
    const { server, clock, agent, news } = makeBench("moonraker", machine);
    await agent.start();
    await clock.advance(29_000);
    expect(server.calls("/api/v1/octo/g_code_files/")).toHaveLength(1);
    expect(news().filter((frame) => frame.includes("print ") || frame.endsWith("print"))).toEqual([]);
    await clock.advance(5000);
    expect(news()).toEqual(["Printing print"]);
    expect(server.frames.at(-1)?.current_print_ts).toBe(1790000000);
  });
});

describe("a print", () => {
  test("[V16] paused, resumed and cancelled by commands: the recorded sequence", async () => {
    const recorded = framesOf(readRecording("moonraker-obico-2.1.4", 161, 178.2)).map(gist);
    const { server, clock, agent, news } = await printingBench();
    await clock.advance(600);
    news();
    for (const cmd of ["pause", "resume", "cancel"]) {
      server.send({ commands: [{ cmd, args: {} }] });
      await clock.advance(3000);
    }
    expect(news()).toEqual(recorded);
    expect(agent.printer.machine.outcome).toBe("cancelled");
  });

  test("[V17] paused and resumed at the printer: events with settled texts, no transient state", async () => {
    const { clock, agent, news } = await printingBench();
    agent.printer.order({ kind: "pause", nozzleOff: false, bedOff: false, liftMm: 0 });
    await clock.advance(5000);
    agent.printer.order({ kind: "resume" });
    await clock.advance(5000);
    expect(news()).toEqual(["Paused PrintPaused print", "Printing PrintResumed print"]);
  });

  test("[V17] cancelled while paused: nothing of a resume", async () => {
    const { clock, agent, news } = await printingBench();
    agent.changeFilament();
    await clock.advance(5000);
    agent.printer.order({ kind: "cancel" });
    await clock.advance(5000);
    expect(news()).toEqual([
      "Paused PrintPaused print",
      "Operational PrintCancelled print",
      "Operational PrintFailed print",
    ]);
  });

  test("[V18] done: the ending event carries the time stamp, the next regular status says -1", async () => {
    const { clock, news } = await printingBench(90);
    await clock.advance(150_000);
    const frames = news().filter((frame) => frame !== "Printing print");
    expect(frames.slice(0, 2)).toEqual(["Operational PrintDone print", "Operational -1"]);
  });

  test("[V19] [V34] failed: PrintFailed alone, an event with a snapshot, the console's line", async () => {
    const { server, clock, agent, news } = await printingBench();
    agent.printer.order({ kind: "fail", error: "Heater extruder not heating" });
    await clock.advance(2000);
    expect(news().sort()).toEqual([
      "Operational PrintFailed print",
      "passthru printer_event",
      "passthru terminal_feed",
    ]);
    const failed = server.frames.find((frame) => isJsonObject(frame.event) && frame.event.event_type === "PrintFailed");
    expect(failed?.status).toMatchObject({ state: { flags: { error: true }, error: "Heater extruder not heating" } });
    expect(server.calls("/api/v1/octo/printer_events/").at(-1)?.body).toContain('name="snapshot"; filename="snapshot"');
  });

  test("[V34] an event that is refused takes the console's line with it; its title is posted once", async () => {
    const { server, clock, agent, news } = await printingBench();
    server.answers = (_method, path) => (path.includes("printer_events") ? { status: 500 } : undefined);
    agent.printer.order({ kind: "fail", error: "fault" });
    await clock.advance(2000);
    expect(news().sort()).toEqual(["Operational PrintFailed print", "passthru printer_event"]);
    agent.printer.start(shortJob(600));
    await clock.advance(10_000);
    agent.printer.order({ kind: "fail", error: "fault" });
    await clock.advance(2000);
    expect(news().filter((frame) => frame.startsWith("passthru"))).toEqual([
      "passthru printer_event",
      "passthru terminal_feed",
    ]);
    const posted = server.calls("/api/v1/octo/printer_events/").filter(({ body }) => body.includes("Moonraker Error"));
    expect(posted).toHaveLength(1);
  });

  test.each([{ status: 500 }, { status: 200, body: {} }, null])(
    "[V32] without an id for its file the started event is never sent: %j",
    async (answer) => {
      const { server, clock, agent, news } = await startBench("moonraker");
      server.answers = (_method, path) => (path === "/api/v1/octo/g_code_files/" ? answer : undefined);
      agent.printer.start(shortJob(600));
      await clock.advance(REGULAR_MS + 1000);
      expect(news()).toEqual(["Printing print"]);
      expect(server.frames.at(-1)).toMatchObject({ status: { job: { file: { obico_g_code_file_id: null } } } });
    },
  );

  test("[V32] the upsert holds up the event until it is answered, 60 s at most", async () => {
    const { server, clock, agent, news } = await startBench("moonraker");
    server.answers = (_method, path) => (path.includes("g_code_files") ? new Promise(() => {}) : undefined);
    agent.printer.start(shortJob(600));
    await clock.advance(59_000);
    expect(news()).toEqual([]);
    await clock.advance(3000);
    expect(news()).toEqual(["Printing print"]);
  });
});

describe("statuses", () => {
  test("[V22] a regular status every 30 s since the last word", async () => {
    const { server, clock } = await startBench("moonraker");
    await clock.advance(125_000);
    const at = server.seen.flatMap((seen) =>
      seen.kind === "frame" && seen.frame.status !== undefined ? [seen.at] : [],
    );
    expect(at.slice(1).map((time, index) => time - (at[index] ?? 0))).toEqual([REGULAR_MS, REGULAR_MS, REGULAR_MS]);
  });

  test("[V22] [V23] Klipper not ready: {} every second; gone: one {}, then silence; back: the file again and the same print", async () => {
    const { server, clock, agent, news } = await printingBench();
    const ts = server.frames.at(-1)?.current_print_ts;
    agent.printer.order({ kind: "reach", reach: "shutdown" });
    await clock.advance(5000);
    expect(news()).toEqual(Array(5).fill("{}"));
    agent.printer.order({ kind: "reach", reach: "lost" });
    await clock.advance(60_000);
    expect(news()).toEqual(["{}"]);
    agent.printer.order({ kind: "reach", reach: "ready" });
    await clock.advance(REGULAR_MS);
    expect(news()[0]).toBe("Printing print");
    expect(server.frames.at(-1)?.current_print_ts).toBe(ts);
    expect(server.calls("/api/v1/octo/g_code_files/")).toHaveLength(2);
  });

  test("[V23] back without its print: -1 with the next status, and no ending event", async () => {
    const { clock, agent, news } = await printingBench();
    agent.printer.order({ kind: "reach", reach: "lost" });
    await clock.advance(5000);
    agent.printer.order({ kind: "power_cut" });
    agent.printer.order({ kind: "reach", reach: "ready" });
    await clock.advance(REGULAR_MS + 5000);
    expect(news()).toEqual(["{}", "Operational -1"]);
  });

  test("[V25] every frame has a shape and types that were recorded", async () => {
    const recorded = [
      ...framesOf(readRecording("moonraker-obico-2.1.4")),
      ...framesOf(readRecording("receipts-moonraker-obico-2.1.4")),
    ];
    const { server, clock, agent } = await startBench("moonraker");
    await clock.advance(40_000);
    agent.printer.start(shortJob(300));
    await clock.advance(90_000);
    for (const cmd of ["pause", "resume"]) {
      server.send({ commands: [{ cmd, args: {} }], passthru: { target: "_printer", func: "get_state_id", ref: cmd } });
      await clock.advance(40_000);
    }
    server.close(1001);
    await clock.advance(90_000);
    server.send({ commands: [{ cmd: "cancel", args: {} }] });
    await clock.advance(40_000);
    agent.printer.start(shortJob(30));
    await clock.advance(5000);
    agent.printer.order({ kind: "fail", error: "fault" });
    await clock.advance(5000);
    const shapes = new Set(recorded.map((frame) => shape(frame).join("\n")));
    const unknown = server.frames.filter((frame) => !shapes.has(shape(frame).join("\n"))).map(gist);
    expect(unknown).toEqual([]);
    const known = types(recorded);
    for (const [path, seen] of types(server.frames))
      expect(known.get(path), path).toEqual(new Set([...(known.get(path) ?? []), ...seen]));
    expect(new Set(server.frames.map(gist)).size).toBeGreaterThan(14);
  });
});

describe("what the server asks", () => {
  test("[V26] unknown calls are answered with an error, repeated references not at all", async () => {
    const { server, news } = await startBench("moonraker");
    for (const ref of ["c:1", "c:1", "c:2"])
      server.send({ passthru: { target: "_printer", func: "get_state_id", ref } });
    server.send({ passthru: { target: "moonraker_api", func: "printer/info" } });
    expect(news()).toEqual(["passthru error ref", "passthru error ref"]);
    const answer = server.frames.at(-1)?.passthru;
    expect(isJsonObject(answer) && String(answer.error)).toMatch(/^Request not supported/);
  });

  test("[V26] the last 100 references are remembered", async () => {
    const { server, news } = await startBench("moonraker");
    for (let ref = 0; ref <= 100; ref += 1) server.send({ passthru: { target: "x", func: "y", ref: `r${ref}` } });
    news();
    server.send({ passthru: { target: "x", func: "y", ref: "r1" } });
    expect(news()).toEqual([]);
    server.send({ passthru: { target: "x", func: "y", ref: "r0" } });
    expect(news()).toEqual(["passthru error ref"]);
  });

  test("[V28] a command that the printer refuses: the transient state, then the old one at once", async () => {
    const { server, news } = await startBench("moonraker");
    server.send({ commands: [{ cmd: "pause", args: {} }] });
    expect(news()).toEqual(["Pausing -1", "Operational -1"]);
  });

  test.each([
    { patched: 200, frames: ["G-Code Downloading PrintStarted print", "Printing print"] },
    { patched: 404, frames: [] },
  ])("[V29] a file from the cloud is printed only after a PATCH with 2xx: $patched", async ({ patched, frames }) => {
    const { server, clock, news } = await startBench("moonraker");
    server.answers = (method) => (method === "PATCH" ? { status: patched } : undefined);
    const file = { id: 9, url: "http://files/x", filename: "My Cube.gcode", safe_filename: "My_Cube.gcode" };
    server.send({ passthru: { target: "file_downloader", func: "download", args: [file], ref: "1" } });
    await clock.advance(3000);
    const [answer, downloading, ...rest] = news().sort((a, b) => Number(b.startsWith("p")) - Number(a.startsWith("p")));
    expect([answer, downloading]).toEqual(["passthru ref ret", "G-Code Downloading -1"]);
    expect(rest.filter((frame) => frame !== "Operational -1")).toEqual(frames);
    expect(server.calls("http://files/x")[0]?.request.headers).not.toHaveProperty("Authorization");
    expect(server.calls("/api/v1/octo/g_code_files/9/")[0]?.body).toMatch(
      /^safe_filename=My_Cube.gcode&agent_signature=ts%3A/,
    );
  });

  test("[V29] a printer that prints fetches nothing", async () => {
    const { server, news } = await printingBench();
    news();
    server.send({ passthru: { target: "file_downloader", func: "download", args: [{}], ref: "1" } });
    expect(server.frames.at(-1)).toEqual({ passthru: { ref: "1", error: "Printer busy!" } });
  });
});

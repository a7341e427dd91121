/** The virtual OctoPrint-Obico against the recordings of the real one, and against the protocol's rules. */
import { describe, expect, test } from "vitest";
import { isJsonObject } from "../../../scripts/virtual/json.ts";
import { act, idleMachine } from "../../../scripts/virtual/machine.ts";
import { makeBench, shortJob, startBench } from "./bench.ts";
import { framesOf, gist, readRecording, shape, types } from "./recording.ts";

const RECORDING = "octoprint-obico-2.6.1";

async function printingBench(seconds = 600) {
  const bench = await startBench("octoprint");
  bench.agent.printer.start(shortJob(seconds));
  await bench.clock.advance(60_000);
  return bench;
}

/** Frames that carry an event: what OctoPrint tells of a print. */
function eventsOf(frames: string[]): string[] {
  return frames.filter((frame) => /Print/.test(frame.replace(/^Printing/, "")));
}

function recordedEvents(from: number, to: number): string[] {
  return eventsOf(framesOf(readRecording(RECORDING, from, to)).map(gist));
}

describe("start-up", () => {
  test("[V12] calls, handshake and frames come in the recorded order, OctoPrint's own start first", async () => {
    const recorded = readRecording("receipts-octoprint-obico-2.6.1", 0, 5).flatMap((line) => {
      if (line.http !== undefined) return [`${line.http} ${line.path}`];
      if (line.handshake !== undefined) return ["handshake"];
      return isJsonObject(line.text) ? [gist(line.text)] : [];
    });
    const { server, clock, agent } = makeBench("octoprint");
    await agent.start();
    await clock.advance(1000);
    const seen = server.seen.map((item) => {
      if (item.kind === "http") return `${item.request.method} ${item.request.url}`;
      return item.kind === "handshake" ? "handshake" : gist(item.frame);
    });
    expect(seen.sort()).toEqual(recorded.sort());
    expect(seen.indexOf("handshake")).toBeGreaterThan(seen.indexOf("GET /ent/api/printers/77/ext/"));
  });

  test.each([{}, { printer: {} }, { printer: { id: 0 } }])(
    "[V13] 2xx without a truthy id ends it: nothing is ever dialled: %j",
    async (body) => {
      const { server, clock, agent } = makeBench("octoprint");
      server.answers = () => ({ status: 200, body });
      await agent.start();
      await clock.advance(7_200_000);
      expect(server.handshakes).toBe(0);
      expect(server.calls("/api/v1/octo/printer/")).toHaveLength(1);
    },
  );

  test("[V15] what OctoPrint did while the server was away comes first, oldest first", async () => {
    const { server, clock, agent, news } = makeBench("octoprint");
    server.answers = () => ({ status: 503 });
    await agent.start();
    await clock.advance(2000);
    agent.printer.start(shortJob());
    await clock.advance(30_000);
    server.answers = () => undefined;
    await clock.advance(1_300_000);
    expect(news().slice(0, 5)).toEqual([
      "Detecting serial connection PrinterStateChanged DETECT_SERIAL -1 settings",
      "Operational PrinterStateChanged OPERATIONAL -1",
      "Operational -1 settings",
      "Starting PrinterStateChanged STARTING -1",
      "Printing PrintStarted print",
    ]);
    const stamps = server.frames.flatMap((frame) => (isJsonObject(frame.status) ? [Number(frame.status._ts)] : []));
    expect(stamps).toEqual(stamps.toSorted((a, b) => a - b));
  });
});

describe("a print", () => {
  test("[V16] started, paused, resumed and cancelled: the recorded events", async () => {
    const { server, clock, agent, news } = await startBench("octoprint");
    agent.printer.start(shortJob(600));
    await clock.advance(60_000);
    const pause = { cmd: "pause", args: { tools_off: true } };
    for (const command of [pause, { cmd: "resume", args: {} }, { cmd: "cancel", args: {} }]) {
      server.send({ commands: [command] });
      await clock.advance(60_000);
    }
    const frames = news();
    expect(eventsOf(frames)).toEqual([...recordedEvents(160, 187), ...recordedEvents(387.4, 390)]);
  });

  test("[V18] done: finishing, the event, then -1 at once", async () => {
    const { clock, news } = await printingBench(90);
    await clock.advance(60_000);
    expect(eventsOf(news()).slice(-3)).toEqual(recordedEvents(114, 115));
  });

  test("[V19] the printer's connection lost: offline with the time stamp, failed, then -1 when it is back", async () => {
    const { clock, agent, news } = await printingBench();
    news();
    agent.printer.order({ kind: "reach", reach: "lost" });
    await clock.advance(30_000);
    agent.printer.order({ kind: "reach", reach: "ready" });
    await clock.advance(1000);
    const [offline, failed, ...rest] = eventsOf(news());
    expect([offline, failed]).toEqual(recordedEvents(350, 351));
    expect(rest).toEqual(recordedEvents(356, 357));
  });

  test("[V34] an error is told with a picture, once in half an hour", async () => {
    const { server, clock, agent } = await printingBench();
    const told = () =>
      server.calls("/api/v1/octo/printer_events/").filter(({ body }) => body.includes("OctoPrint Error"));
    const fail = async () => {
      agent.printer.order({ kind: "fail", error: "thermal runaway" });
      await clock.advance(20_000);
      agent.printer.start(shortJob(600));
      await clock.advance(60_000);
    };
    await fail();
    await fail();
    expect(told()).toHaveLength(1);
    expect(told()[0]?.body).toContain('name="snapshot"; filename="snapshot"');
    await clock.advance(30 * 60_000);
    agent.printer.start(shortJob(600));
    await clock.advance(60_000);
    await fail();
    expect(told()).toHaveLength(2);
  });

  test("[V21] other filament: an event over HTTP with a picture, once in ten minutes, and a pause", async () => {
    const { server, clock, agent, news } = await printingBench(3000);
    news();
    for (let minute = 0; minute < 12; minute += 3) {
      agent.changeFilament();
      await clock.advance(90_000);
      agent.printer.order({ kind: "resume" });
      await clock.advance(90_000);
    }
    const changes = server.calls("/api/v1/octo/printer_events/").filter(({ body }) => body.includes("FILAMENT_CHANGE"));
    expect(changes).toHaveLength(1);
    expect(changes[0]?.body).toMatch(/name="notify"\r\n\r\ntrue\r\n[\s\S]*name="snapshot"; filename="snapshot"/);
    expect(news().filter((frame) => frame.includes("PrintPaused"))).toHaveLength(4);
    expect(server.frames.some((frame) => JSON.stringify(frame).includes("Filament"))).toBe(false);
  });

  test("[V20] the started event has the new time stamp, the starting state before it still -1", async () => {
    const { server } = await printingBench();
    const starting = server.frames.findIndex((frame) => gist(frame).startsWith("Starting"));
    const started = server.frames.findIndex((frame) => gist(frame).includes("PrintStarted"));
    expect(server.frames[starting]).toMatchObject({
      current_print_ts: -1,
      status: { state: { flags: { printing: true } } },
    });
    expect(Number(server.frames[started]?.current_print_ts)).toBeGreaterThan(1.7e9);
    expect(server.calls("/api/v1/octo/g_code_files/")[0]?.body).toContain("agent_signature=md5%3A");
  });

  test.each([
    { answer: { status: 500 }, started: true },
    { answer: { status: 200, body: {} }, started: false },
  ])(
    "[V32] the upsert answered with $answer.status: the started event is sent: $started",
    async ({ answer, started }) => {
      const { server, clock, agent, news } = await startBench("octoprint");
      server.answers = (_method, path) => (path.includes("g_code_files") ? answer : undefined);
      agent.printer.start(shortJob());
      await clock.advance(5000);
      expect(news().some((frame) => frame.includes("PrintStarted"))).toBe(started);
      expect(server.frames.at(-1)).not.toHaveProperty("status.job.file.obico_g_code_file_id");
    },
  );
});

describe("statuses", () => {
  test("[V22] every 50 s when nothing happens, every 10 s while boosted", async () => {
    const { server, clock } = await startBench("octoprint");
    await clock.advance(250_000);
    server.send({ remote_status: { viewing: false, should_watch: false } });
    await clock.advance(60_000);
    const at = server.seen.flatMap((seen) =>
      seen.kind === "frame" && seen.frame.status !== undefined ? [seen.at] : [],
    );
    const gaps = at.slice(1).map((time, index) => Math.round((time - (at[index] ?? 0)) / 1000));
    expect(gaps.slice(-6, -3).every((gap) => gap === 50 || gap === 51)).toBe(true);
    expect(Math.min(...gaps.slice(-3))).toBeLessThanOrEqual(11);
  });

  test("[V22] a text for the display is told at once, as recorded", async () => {
    const { server, clock, news } = await startBench("octoprint");
    await clock.advance(30_000);
    news();
    server.send({ passthru: { target: "_printer", func: "commands", args: ["G28\nM117 hi there"], ref: "1" } });
    await clock.advance(800);
    expect(news()).toEqual(["passthru ref ret", "Operational -1"]);
    expect(server.frames.at(-1)).toMatchObject({ status: { display_status: { message: "hi there" } } });
  });

  test("[V24] settings come every 30 min and after the firmware's answer, not with a reconnect", async () => {
    const { server, clock, news } = await startBench("octoprint");
    await clock.advance(60_000);
    server.close(1001);
    await clock.advance(60_000);
    expect(server.handshakes).toBe(2);
    expect(news().filter((frame) => frame.endsWith("settings"))).toEqual([]);
    await clock.advance(30 * 60_000);
    expect(news().filter((frame) => frame.endsWith("settings"))).toHaveLength(1);
  });

  test("[V25] every frame has a shape and types that were recorded", async () => {
    const recorded = [
      ...framesOf(readRecording(RECORDING)),
      ...framesOf(readRecording("receipts-octoprint-obico-2.6.1")),
    ];
    const { server, clock, agent } = await startBench("octoprint");
    await clock.advance(2000);
    agent.printer.start(shortJob(300));
    await clock.advance(60_000);
    const pause = { cmd: "pause", args: { retract: 6.5, lift_z: 2.5, tools_off: true, bed_off: true } };
    for (const command of [pause, { cmd: "resume", args: {} }, { cmd: "cancel", args: {} }]) {
      server.send({ commands: [command], passthru: { target: "_printer", func: "get_state_id", ref: command.cmd } });
      await clock.advance(70_000);
    }
    agent.printer.start(shortJob(30));
    await clock.advance(120_000);
    agent.printer.start(shortJob(300));
    await clock.advance(60_000);
    agent.printer.order({ kind: "reach", reach: "lost" });
    await clock.advance(5000);
    agent.printer.order({ kind: "reach", reach: "ready" });
    await clock.advance(1000);
    const shapes = new Set(recorded.map((frame) => shape(frame).join("\n")));
    const unknown = server.frames.filter((frame) => !shapes.has(shape(frame).join("\n"))).map(gist);
    expect([...new Set(unknown)]).toEqual([]);
    const known = types(recorded);
    for (const [path, seen] of types(server.frames)) {
      expect(known.get(path), path).toEqual(new Set([...(known.get(path) ?? []), ...seen]));
    }
    expect(new Set(server.frames.map(gist)).size).toBeGreaterThan(20);
  });
});

describe("what the server asks", () => {
  test.each([{ cmd: "pause" }, { cmd: "pause", args: null }, { cmd: "pause", args: { speed: 1 } }])(
    "[V28] a pause without an object of known arguments loses the whole message: %j",
    async (command) => {
      const { server, agent, news } = await printingBench();
      news();
      server.send({ commands: [command], passthru: { target: "_printer", func: "get_state_id", ref: "c:1" } });
      expect(news()).toEqual([]);
      expect(agent.printer.machine.phase).toBe("printing");
    },
  );

  test("[V35] a pause by passthru pauses without scripts, and does nothing to a paused print", async () => {
    const { server, clock, agent } = await printingBench();
    const before = agent.printer.machine;
    const pause = (ref: string) =>
      server.send({ passthru: { target: "_printer", func: "pause_print", args: [], ref } });
    pause("c:1");
    expect(server.frames).toContainEqual({ passthru: { ref: "c:1", ret: null } });
    await clock.advance(10_000);
    const paused = agent.printer.machine;
    expect(paused).toMatchObject({ phase: "paused", nozzle: { targetC: before.nozzle.targetC } });
    pause("c:2");
    await clock.advance(1_000);
    expect(agent.printer.machine).toMatchObject({ phase: "paused", zMm: paused.zMm });
    expect(server.frames).toContainEqual({ passthru: { ref: "c:2", ret: null } });
  });

  test.each([
    { cmd: "pause", ret: "PAUSING" },
    { cmd: "cancel", ret: "CANCELLING" },
    { cmd: "resume", ret: "PRINTING" },
  ])("[V27] the probe behind $cmd is answered with the state right after it", async ({ cmd, ret }) => {
    const { server } = await printingBench();
    server.send({ commands: [{ cmd, args: {} }], passthru: { target: "_printer", func: "get_state_id", ref: "c:1" } });
    expect(server.frames.at(-1)).toEqual({ passthru: { ref: "c:1", ret } });
  });

  test("[V26] no answer to unknown calls, to repeated references, and without one", async () => {
    const { server, news } = await startBench("octoprint");
    server.send({ passthru: { target: "_printer", func: "get_state_id", ref: "a" } });
    expect(news()).toEqual(["passthru ref ret"]);
    for (const func of ["get_state_id", "nosuch"]) server.send({ passthru: { target: "_printer", func, ref: "a" } });
    server.send({ passthru: { target: "nosuch", func: "x", ref: "b" } });
    server.send({ passthru: { target: "_printer", func: "get_state_id" } });
    expect(news()).toEqual([]);
  });

  test.each([200, 404])("[V29] a file from the cloud is printed whatever the PATCH gives: %i", async (status) => {
    const { server, clock, agent } = await startBench("octoprint");
    server.answers = (method) => (method === "PATCH" ? { status } : undefined);
    const file = { id: 9, url: "http://files/x", filename: "My Cube.gcode", safe_filename: "My_Cube.gcode" };
    server.send({ passthru: { target: "file_downloader", func: "download", args: [file], ref: "1" } });
    await clock.advance(2000);
    expect(server.frames).toContainEqual({ passthru: { ref: "1", ret: { target_path: "My_Cube.gcode" } } });
    expect(agent.printer.machine).toMatchObject({ phase: "printing", job: { path: "ObicoUpload/My_Cube.gcode" } });
  });

  test("[V29] a printer that is not Operational fetches nothing", async () => {
    const { server } = await printingBench();
    server.send({ passthru: { target: "file_downloader", func: "download", args: [{}], ref: "1" } });
    expect(server.frames.at(-1)).toEqual({ passthru: { ref: "1", error: "Printer busy!" } });
  });

  test("[V14] a host that lived on in mid-print goes on with the same time stamp and says nothing of a start", async () => {
    const machine = act(idleMachine(7), { kind: "start", job: shortJob(), at: 1790000000 });
    const { server, clock, agent, news } = makeBench("octoprint", { ...machine, phase: "printing" });
    await agent.start();
    await clock.advance(60_000);
    expect(news().filter((frame) => !frame.startsWith("Printing print"))).toEqual(["passthru printer_event"]);
    expect(server.frames.at(-1)?.current_print_ts).toBe(1790000000);
  });
});

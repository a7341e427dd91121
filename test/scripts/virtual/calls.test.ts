/** The agents' HTTP calls: bodies to the byte, and when pictures are posted. */
import { describe, expect, test } from "vitest";
import { formBody, multipartBody } from "../../../scripts/virtual/form.ts";
import { shortJob, startBench } from "./bench.ts";
import { readRecording } from "./recording.ts";

const PICTURE_BYTES = 134;
const PICTURE_CALL = "/api/v1/octo/pic/";

describe("bodies", () => {
  test.each(["moonraker-obico-2.1.4", "octoprint-obico-2.6.1"] as const)(
    "[V31] pictures of %s have the recorded fields and length",
    (name) => {
      const recorded = readRecording(name).filter((line) => line.path === PICTURE_CALL);
      expect(recorded.length).toBeGreaterThan(3);
      for (const { fields, headers } of recorded as unknown as {
        fields: Record<string, string>;
        headers: Record<string, string>;
      }[]) {
        const body = multipartBody(Object.entries(fields), "pic", new Uint8Array(PICTURE_BYTES), "0".repeat(32));
        expect(String(body.bytes.length)).toBe(headers["content-length"]);
      }
    },
  );

  test("[V31] a form is written as recorded", () => {
    const [call] = readRecording("moonraker-obico-2.1.4").filter((line) => line.path === "/api/v1/octo/g_code_files/");
    const body = formBody([
      ["filename", "cube.gcode"],
      ["safe_filename", "cube.gcode"],
      ["num_bytes", "1234567"],
      ["agent_signature", "ts:1760000000.25"],
      ["url", "sub/cube.gcode"],
    ]);
    expect(new TextDecoder().decode(body.bytes)).toBe(call?.body);
    expect(body.contentType).toBe("application/x-www-form-urlencoded");
  });
});

describe.each(["moonraker", "octoprint"] as const)("pictures of %s", (dialect) => {
  async function printing() {
    const bench = await startBench(dialect);
    bench.agent.printer.start(shortJob(3000));
    await bench.clock.advance(60_000);
    const count = () => bench.server.calls(PICTURE_CALL).length;
    return { ...bench, count };
  }

  test("[V33] the first within seconds of the start, then one in 120 s, one in 10 s for watchers", async () => {
    const { server, clock, count } = await printing();
    expect(count()).toBe(1);
    await clock.advance(240_000);
    expect(count()).toBe(3);
    server.send({ remote_status: { should_watch: true } });
    await clock.advance(100_000);
    expect(count()).toBeGreaterThanOrEqual(12);
    expect(count()).toBeLessThanOrEqual(14);
  });

  test("[V33] none while paused, but three at once whenever a message leaves somebody viewing", async () => {
    const { server, clock, agent, count } = await printing();
    agent.printer.order({ kind: "pause", nozzleOff: false, bedOff: false, liftMm: 0 });
    await clock.advance(10_000);
    const before = count();
    server.send({ remote_status: { viewing: true, should_watch: false } });
    await clock.advance(5000);
    server.send({ remote_status: { should_watch: true } });
    await clock.advance(300_000);
    expect(count() - before).toBe(6);
    const boosts = server
      .calls(PICTURE_CALL)
      .slice(-6)
      .map((call) => call.body);
    expect(boosts.every((body) => /name="viewing_boost"\r\n\r\n[Tt]rue\r\n/.test(body))).toBe(true);
  });

  test("[V33] a refusal changes nothing: no retry, no slowing down", async () => {
    const { server, clock, count } = await printing();
    server.answers = (_method, path) => (path === PICTURE_CALL ? { status: 429 } : undefined);
    await clock.advance(240_000);
    expect(count()).toBe(3);
  });

  test("[V30] what a partial update leaves out stays, through a reconnect too", async () => {
    const { server, clock, count } = await printing();
    server.send({ remote_status: { should_watch: true } });
    server.send({ remote_status: { viewing: false } });
    server.close(1001);
    await clock.advance(60_000);
    expect(count()).toBeGreaterThanOrEqual(6);
  });
});

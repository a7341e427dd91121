/** Virtual agents before they have a token. */
import { describe, expect, test } from "vitest";
import type { Dialect } from "../../../scripts/virtual/agent.ts";
import { seededRandom } from "../../../scripts/virtual/random.ts";
import { ManualClock } from "../../support/virtual/manual-clock.ts";
import { StubServer } from "../../support/virtual/stub-server.ts";
import { UnlinkedAgent } from "../../support/virtual/unlinked.ts";

const dialects: readonly Dialect[] = ["moonraker", "octoprint"];
const PASSCODE = { one_time_passcode: "ab3de", one_time_passlink: "https://platen.test/", verification_code: "" };

function makeAgent(dialect: Dialect) {
  const server = new StubServer(new ManualClock());
  const agent = new UnlinkedAgent({ dialect, transport: server, random: seededRandom(1) });
  /** Answers polls so, and links with any code. */
  const answer = (status: number, body?: unknown) => {
    server.answers = (_, path) =>
      path.includes("verify") ? { status: 200, body: { printer: { auth_token: "f00d" } } } : { status, body };
  };
  const message = (data: object, type = "verify_code") => ({ device_id: agent.deviceId, type, data });
  return { server, agent, answer, message };
}

describe.each(dialects)("%s", (dialect) => {
  test("[V4] links with a code in the query and no body, and keeps the printer's token", async () => {
    const { server, agent, answer } = makeAgent(dialect);
    answer(200);
    expect(await agent.verify("123456")).toBe(true);
    expect(server.seen).toMatchObject([
      { request: { method: "POST", url: "/api/v1/octo/verify/?code=123456", body: null } },
    ]);
    expect(agent.token).toBe("f00d");
  });

  test("[V5] 4xx ends OctoPrint's discovery only, 5xx and no answer neither's", async () => {
    const { server, agent, answer } = makeAgent(dialect);
    answer(503);
    await agent.poll();
    server.answers = () => null;
    await agent.poll();
    expect(agent.hasEnded).toBe(false);
    answer(404);
    await agent.poll();
    expect(agent.hasEnded).toBe(dialect === "octoprint");
  });

  test("[V6] links by a message with its own secret, and is done", async () => {
    const { agent, answer, message } = makeAgent(dialect);
    answer(200, { messages: [message({ code: "123456", secret: agent.secret })] });
    await agent.poll();
    expect([agent.token, agent.hasEnded]).toEqual(["f00d", true]);
  });

  test("[V6] a message with another secret ends its discovery without a token", async () => {
    const { agent, answer, message } = makeAgent(dialect);
    answer(200, { messages: [message({ code: "123456", secret: "0" })] });
    await agent.poll();
    expect([agent.token, agent.hasEnded]).toEqual([null, true]);
  });

  test("[V6] two messages at once: Moonraker ignores both", async () => {
    const { agent, answer, message } = makeAgent(dialect);
    answer(200, { messages: Array(2).fill(message({ code: "123456", secret: agent.secret })) });
    await agent.poll();
    expect(agent.hasEnded).toBe(dialect === "octoprint");
  });
});

describe("a missing key ends discovery", () => {
  test("[V7] Moonraker's: the link beside a passcode", async () => {
    const { agent, answer } = makeAgent("moonraker");
    answer(200, { messages: [], ...PASSCODE });
    await agent.poll();
    expect([agent.passcode, agent.hasEnded]).toEqual(["ab3de", false]);
    answer(200, { messages: [], one_time_passcode: "ab3de", verification_code: "" });
    await agent.poll();
    expect(agent.hasEnded).toBe(true);
  });

  test("[V7] OctoPrint's: messages", async () => {
    const { agent, answer } = makeAgent("octoprint");
    answer(200, {});
    await agent.poll();
    expect(agent.hasEnded).toBe(true);
  });

  test("[V7] without passcode keys Moonraker takes the server for an old one, and goes on", async () => {
    const { agent, answer } = makeAgent("moonraker");
    answer(200, { messages: [] });
    await agent.poll();
    expect([agent.passcode, agent.hasEnded]).toEqual(["", false]);
    answer(200, { messages: [], ...PASSCODE, verification_code: "123456" });
    await agent.poll();
    expect([agent.token, agent.hasEnded]).toEqual(["f00d", true]);
  });
});

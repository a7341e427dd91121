/** The socket as both agents keep it. */
import { describe, expect, test } from "vitest";
import { Link } from "../../../scripts/virtual/link.ts";
import { ManualClock } from "../../support/virtual/manual-clock.ts";
import { StubServer } from "../../support/virtual/stub-server.ts";

const BLOCKED_MS = 120_000;

function makeLink(queueLimit = 50) {
  const clock = new ManualClock();
  const server = new StubServer(clock);
  const options = { transport: server, clock, random: () => 0.5, token: "f00d", queueLimit };
  const link = new Link({ ...options, onText: () => {}, onOpen: () => {} });
  const numbers = () => server.frames.map((frame) => frame.n);
  const dialledAt = () => server.seen.flatMap((seen) => (seen.kind === "handshake" ? [seen.at] : []));
  return { clock, server, link, numbers, dialledAt };
}

describe("dialling", () => {
  test("[V8] nothing is dialled before there is something to say, nor again after a close", async () => {
    const { clock, server, link, numbers } = makeLink();
    await clock.advance(600_000);
    expect(server.handshakes).toBe(0);
    link.post({ n: 1 });
    await clock.advance(1000);
    server.close(1001);
    await clock.advance(600_000);
    expect([server.handshakes, numbers()]).toEqual([1, [1]]);
    link.post({ n: 2 });
    await clock.advance(1000);
    expect([server.handshakes, numbers()]).toEqual([2, [1, 2]]);
  });

  test("[V8] the handshake carries the token as a bearer", async () => {
    const { clock, server, link } = makeLink();
    link.post({ n: 1 });
    await clock.advance(1000);
    expect(server.seen[0]).toMatchObject({ kind: "handshake", headers: { authorization: "bearer f00d" } });
  });

  test("[V9] each refused try costs two minutes, a growing wait and the message that triggered it", async () => {
    const { clock, server, link, numbers, dialledAt } = makeLink();
    server.accepts = false;
    for (let n = 1; n <= 8; n += 1) link.post({ n });
    await clock.advance(BLOCKED_MS * 3 + 1000);
    server.accepts = true;
    await clock.advance(BLOCKED_MS + 10_000);
    const gaps = dialledAt().map((at, index, all) => at - (all[index - 1] ?? at));
    expect(gaps.slice(1)).toEqual([0.25, 0.5, 1].map((seconds) => BLOCKED_MS + seconds * 1000));
    expect(numbers()).toEqual([4, 5, 6, 7, 8]);
  });

  test("[V9] the wait never passes 300 s and starts small again after a message went out", async () => {
    const { clock, server, link, dialledAt } = makeLink(1000);
    server.accepts = false;
    for (let n = 1; n <= 40; n += 1) link.post({ n });
    await clock.advance(20 * 420_000);
    const gaps = dialledAt().map((at, index, all) => at - (all[index - 1] ?? at));
    expect(Math.max(...gaps)).toBe(BLOCKED_MS + 300_000);
    server.accepts = true;
    await clock.advance(420_000);
    server.close(1001);
    server.accepts = false;
    link.post({ n: 98 });
    link.post({ n: 99 });
    await clock.advance(BLOCKED_MS + 1000);
    expect(dialledAt().at(-1)).toBe((dialledAt().at(-2) ?? 0) + BLOCKED_MS + 250);
  });
});

describe("the queue", () => {
  test.each([50, 1000])("[V10] holds %i messages while disconnected; the newest are lost", async (limit) => {
    const { clock, server, link, numbers } = makeLink(limit);
    server.accepts = false;
    link.post({ n: 0 });
    await clock.advance(1000);
    for (let n = 1; n <= limit + 5; n += 1) link.post({ n });
    server.accepts = true;
    await clock.advance(BLOCKED_MS * 2);
    expect(numbers()).toEqual(Array.from({ length: limit }, (_, index) => index + 1));
  });
});

describe("a token that somebody else uses", () => {
  test("[V11] after 4321 one more message goes out on a new socket, then none, although it stays open", async () => {
    const { clock, server, link, numbers } = makeLink();
    link.post({ n: 1 });
    await clock.advance(1000);
    server.close(4321);
    await clock.advance(600_000);
    expect(server.handshakes).toBe(1);
    for (const n of [2, 3, 4]) link.post({ n });
    await clock.advance(600_000);
    expect([server.handshakes, numbers(), link.isOpen]).toEqual([2, [1, 2], true]);
    server.close(1000);
    link.post({ n: 5 });
    await clock.advance(600_000);
    expect(server.handshakes).toBe(2);
  });
});

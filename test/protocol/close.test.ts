/** How sockets are closed: the codes are those that the protocol's page tells. */
import { expect, test } from "vitest";
import { AGENT_CLOSES, closeBackCode, FRAME_TOO_LARGE, SOCKET_ERROR } from "../../src/protocol/close.ts";
import page from "../../src/protocol/README.md?raw";

const CLOSES = [...Object.values(AGENT_CLOSES), FRAME_TOO_LARGE, SOCKET_ERROR];

test("[A5] [A6] [A7] [A8] [A9] [A10] every close has a code and a reason of the page's table, and none is 4321", () => {
  const told = [...page.matchAll(/^\| \*\*\[A\d+\]\*\* \| (\d+) \| `([^`]+)` \|/gm)];
  const listed = told.map(([, code, reason]) => `${code} ${reason}`);
  expect(listed.sort()).toEqual(CLOSES.map(({ code, reason }) => `${code} ${reason}`).sort());
  expect(CLOSES.filter(({ code }) => Number(code) === 4321)).toEqual([]);
  const bytes = CLOSES.map(({ reason }) => new TextEncoder().encode(reason).length);
  expect(Math.max(...bytes)).toBeLessThanOrEqual(123);
});

test("[A10] a peer's close is answered with its code, or with 1000 where nobody may send that code", () => {
  expect([1000, 1001, 4409, 1004, 1005, 1006, 1015, 4321].map(closeBackCode)).toEqual([
    ...[1000, 1001, 4409],
    ...[1000, 1000, 1000, 1000, 1000],
  ]);
});

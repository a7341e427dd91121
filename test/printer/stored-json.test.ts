/** Rows, documents and attachments that lack what is new. */
import { describe, expect, test } from "vitest";
import type { Projection } from "../../src/db/projection.ts";
import {
  complete,
  readAgentHead,
  readCommandRecord,
  readPrincipal,
  readPrint,
  readProjection,
  readStatus,
} from "../../src/printer/stored-json.ts";
import version1 from "./fixtures/printer-v1.json" with { type: "json" };

const PRINTS = JSON.stringify({ state: { text: "Printing", flags: { printing: true } } });
const IDLE = JSON.stringify({ state: { text: "Operational", flags: { printing: false } } });

test("[O57] is completed at every depth; lists, nulls and keys that nobody knows stay", () => {
  const whole = { a: 1, inner: { b: 2, deep: { c: 3 } }, list: [1], none: null, other: { d: 4 } };
  const stored = { inner: { deep: { c: 5, kept: 6 } }, list: [], none: { e: 7 }, other: null, later: 8 };
  expect(complete(whole, stored)).toEqual({ a: 1, ...stored, inner: { b: 2, deep: { c: 5, kept: 6 } } });
});

describe("what lacks a key reads with its initial value:", () => {
  test.each([
    ["a remembered print", readPrint, { id: 5, extId: 6 }, "deletedAt", null],
    ["a command that ended", readCommandRecord, { id: "c", kind: "cancel" }, "tokenName", null],
    ["a caller", readPrincipal, { hash: "h", canWrite: true }, "expiresAt", null],
    ["a status", readStatus, { at: 5, rest: IDLE }, "ts", null],
  ] as const)("[O57] %s", (_what, read, stored, key, initial) => {
    expect(read(JSON.stringify(stored))).toMatchObject({ ...stored, [key]: initial });
    const known = { ...stored, [key]: "known" };
    expect(read(JSON.stringify(known))).toMatchObject(known);
  });

  test.each([
    ["printer", { name: "a" }, "detectiveSensitivity", 1],
    ["print", { id: 5 }, "outcome", null],
    ["event", { id: 5, type: "ENDED" }, "imageUrl", null],
    ["command", { id: "c" }, "endedAt", null],
    ["live", { at: 5, status: PRINTS }, "lastExaminedAt", null],
  ] satisfies readonly (readonly [Projection["kind"], object, string, unknown])[])(
    "[O57] the image of a %s that waits for D1",
    (kind, image, key, initial) => {
      const read = readProjection(JSON.stringify({ kind, image }));
      expect(read).toMatchObject({ kind, image: { ...image, [key]: initial } });
    },
  );

  test("[O57] an agent's attachment", () => {
    const { socket, shown } = JSON.parse(version1.attachment.head);
    const read = readAgentHead(version1.attachment.head, version1.attachment.rest);
    const { text: _text, textAt: _at, textRun: _run, ...kept } = socket;
    expect(read.socket).toMatchObject({ ...kept, phase: null, phaseAt: null, phaseRun: 0 });
    expect(read.shown).toEqual({ ...shown, isPrinting: false, phase: null });
    expect(readAgentHead(JSON.stringify({ socket: { connection: 3 }, shown: null }), null)).toMatchObject({
      socket: { connection: 3, frames: { slot: 0, counts: [] }, live: null },
      shown: null,
    });
  });
});

test("[O57] of version 1, which kept no flag, tells from the status' text whether the printer prints", () => {
  for (const [status, isPrinting] of [
    [PRINTS, true],
    [IDLE, false],
  ] as const) {
    const head = JSON.stringify({ socket: {}, shown: { ts: 1, at: 2, text: "x" } });
    expect(readStatus(JSON.stringify({ at: 5, rest: status }))).toMatchObject({ isPrinting });
    expect(readAgentHead(head, status).shown).toMatchObject({ isPrinting });
    expect(readProjection(JSON.stringify({ kind: "live", image: { status } }))).toMatchObject({
      image: { isPrinting },
    });
    const known = { at: 5, rest: status, isPrinting: !isPrinting };
    expect(readStatus(JSON.stringify(known))).toMatchObject(known);
  }
});

/** What people read of an agent's refusal: its words, and none of the credentials that they quote. */
import { expect, test } from "vitest";
import { readAgentMessage } from "../../src/protocol/agent.ts";
import { refusalWords } from "../../src/protocol/refusal-words.ts";
import { fc } from "../support/random.ts";

const TOKEN = "1k2m0p9q8w7e6r5t4y3u2i1o0pasdfghjklzxcvb";

test.each([
  ["Printer busy!", "Printer busy!"],
  ["  a\n\ttext\u0000 of\r\nlines ", "a text of lines"],
  [
    `404 Client Error: Not Found for url: http://10.0.0.2:8787/files/7/hook.gcode?token=${TOKEN}`,
    "404 Client Error: Not Found for url: http://10.0.0.2:8787/files/7/hook.gcode?…",
  ],
  [
    `Max retries exceeded with url: /files/7/hook.gcode?token=${TOKEN} (Caused by ProxyError('no'))`,
    "Max retries exceeded with url: /files/7/hook.gcode?… (Caused by ProxyError('no'))",
  ],
  ["cannot reach http://me:secret@proxy/", "cannot reach http://…@proxy/"],
  [`{'Authorization': 'Token ${TOKEN}'}`, "{'Authorization': 'Token …'}"],
  ["api_key: abc123, token=x", "api_key=… token=…"],
  ['{"password": "my secret pass", "api_key": "p&ssw0rd"}', '{"password=…, "api_key=…}'],
  ["Authorization: Bearer abc-def_ghi.jkl", "Authorization: Bearer …"],
  ["Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic …"],
  ["cannot reach http://me:p@ss@host/x", "cannot reach http://…@host/x"],
  ["plt_Ab-c_9", "…"],
  ["Is the key on? Token expired.", "Is the key on? Token expired."],
  [
    "Datei nicht gefunden: Würfel_0.2mm_PLA_MK3S_1h12m.gcode",
    "Datei nicht gefunden: Würfel_0.2mm_PLA_MK3S_1h12m.gcode",
  ],
])("[A71] %j", (text, words) => {
  expect(refusalWords(text)).toBe(words);
});

test("[A71] whatever an agent says, it is a line of at most 200 code units, and no signed URL opens", () => {
  const around = fc.string({ unit: "binary", maxLength: 300 });
  const said = fc.tuple(around, around).map(([before, after]) => `${before} /files/7/a.gcode?token=${TOKEN} ${after}`);
  fc.assert(
    fc.property(said, (text) => {
      const words = refusalWords(text);
      expect(words.length).toBeLessThanOrEqual(200);
      expect(words).not.toMatch(/[\p{Cc}]|token=\w/u);
      expect(words.isWellFormed()).toBe(true);
    }),
  );
});

test("[A70] a refusal is an error beside `ret` or inside it", () => {
  const answerOf = (answer: object) =>
    readAgentMessage(JSON.stringify({ passthru: { ref: "c:1", ...answer } })).frame.answer;
  expect([
    answerOf({ error: "Printer busy!" }),
    answerOf({ ret: { error: "File has been modified!" } }),
    answerOf({ ret: "Success" }),
    answerOf({ ret: { target_path: "a.gcode" } }),
    answerOf({ error: null, ret: null }),
  ]).toMatchObject([
    { error: "Printer busy!" },
    { error: "File has been modified!" },
    { error: null },
    { error: null },
    { error: null },
  ]);
});

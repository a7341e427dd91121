/** The token of a cloud file's URL. */
import { describe, expect, test } from "vitest";
import { makeAgentToken, readAgentToken } from "../../src/credentials/agent-token.ts";
import { FILE_TOKEN_LIFE_MS, makeFileToken, opensFile } from "../../src/credentials/file-token.ts";
import type { AgentKey } from "../../src/domain/agent-key.ts";
import { fc } from "../support/random.ts";

const NOW = 1_790_000_000_000;
const key = (id: string, fill: number): AgentKey => ({ id, secret: new Uint8Array(32).fill(fill) });
const KEYS = [key("k2", 2), key("k1", 1)] as const;

describe("a file's token", () => {
  test("[G7] opens its file for an hour, under any key that still counts, and no other file", async () => {
    const token = await makeFileToken(77, KEYS[0], NOW);
    expect(token).toMatch(/^[0-9a-z]{30,64}$/);
    expect(FILE_TOKEN_LIFE_MS).toBeGreaterThan(30 * 60_000);
    expect(await opensFile(token, 77, KEYS, NOW + FILE_TOKEN_LIFE_MS - 1)).toBe(true);
    expect(await opensFile(token, 77, KEYS, NOW + FILE_TOKEN_LIFE_MS + 1000)).toBe(false);
    expect(await opensFile(token, 78, KEYS, NOW)).toBe(false);
    expect(await opensFile(token, 77, [KEYS[1]], NOW)).toBe(false);
    expect(await opensFile(await makeFileToken(77, KEYS[1], NOW), 77, KEYS, NOW)).toBe(true);
  });

  test("[G7] opens nothing once a character of it is another, or missing", async () => {
    const token = await makeFileToken(77, KEYS[0], NOW);
    const letters = fc.constantFrom(..."0123456789abcdefghijklmnopqrstuvwxyz", "", "-");
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), letters, async (place, letter) => {
        fc.pre(token[place] !== letter);
        const forged = token.slice(0, place) + letter + token.slice(place + 1);
        expect(await opensFile(forged, 77, KEYS, NOW)).toBe(false);
      }),
    );
  });

  test.each(["", "1", "1zz", "x".repeat(65), "1".repeat(40)])("[G7] %j is no file's token", async (text) => {
    expect(await opensFile(text, 77, KEYS, NOW)).toBe(false);
  });

  test("[G7] an agent's token is no file's, and the other way round", async () => {
    const agent = await makeAgentToken({ id: 77, uid: "0123456789abc", generation: 1 }, KEYS[0]);
    expect(await opensFile(agent, 77, KEYS, NOW)).toBe(false);
    expect(await readAgentToken(await makeFileToken(77, KEYS[0], NOW), KEYS)).toBeNull();
    expect(await readAgentToken(agent, KEYS)).toEqual({
      printerId: 77,
      uid: "0123456789abc",
      generation: 1,
      keyId: "k2",
    });
  });
});

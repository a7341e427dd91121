/** What our signed tokens are signed with. */
import { expect, test } from "vitest";
import { makeAgentToken, readAgentToken } from "../../src/credentials/agent-token.ts";
import { isMacOf, macOf } from "../../src/credentials/mac.ts";
import { hexOf } from "../../src/domain/encoding.ts";
import { fc } from "../support/random.ts";

const keyOf = (fill: number) => ({ id: "k1", secret: new Uint8Array(32).fill(fill) });

test("[S58] a MAC is the first 128 bits of the HMAC-SHA256 in base 36, 25 characters whatever they begin with", async () => {
  const secrets = fc.uint8Array({ minLength: 32, maxLength: 48 });
  await fc.assert(
    fc.asyncProperty(secrets, fc.string(), async (bytes, text) => {
      const key = { id: "k1", secret: new Uint8Array(bytes) };
      const algorithm = { name: "HMAC", hash: "SHA-256" };
      const imported = await crypto.subtle.importKey("raw", key.secret, algorithm, false, ["sign"]);
      const whole = await crypto.subtle.sign("HMAC", imported, new TextEncoder().encode(text));
      const hex = hexOf(new Uint8Array(whole).subarray(0, 16));
      const mac = await macOf(text, key);
      expect(mac).toBe(BigInt(`0x${hex}`).toString(36).padStart(25, "0"));
      expect(await isMacOf(text, mac, key)).toBe(true);
    }),
  );
});

test("[S58] a key that took the id of another one signs and verifies by its own bytes, whichever was used before", async () => {
  const printer = { id: 7, uid: "0123456789abc", generation: 1 };
  const [first, second] = [keyOf(1), keyOf(2)];
  const tokens = [await makeAgentToken(printer, first), await makeAgentToken(printer, second)] as const;
  expect(tokens[0]).not.toBe(tokens[1]);
  for (const key of [second, first]) {
    const own = key === first ? tokens[0] : tokens[1];
    const other = key === first ? tokens[1] : tokens[0];
    expect(await readAgentToken(own, [key])).toMatchObject({ printerId: 7 });
    expect(await readAgentToken(other, [key])).toBeNull();
  }
});

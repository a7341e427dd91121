import { expect, test } from "vitest";
import { base64UrlOf, bytesOfBase64Url, hexOf } from "../../src/domain/encoding.ts";
import { fc } from "../support/random.ts";

test("[S5] any bytes come back from base64url, padded or not, and none of it needs escaping", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const text = base64UrlOf(bytes);
      expect(text).toMatch(/^[\w-]*$/);
      expect(bytesOfBase64Url(text)).toEqual(bytes);
      expect(bytesOfBase64Url(text.padEnd(Math.ceil(text.length / 4) * 4, "="))).toEqual(bytes);
    }),
  );
  expect(base64UrlOf(Uint8Array.of(0xfb, 0xff, 0xbf, 1))).toBe("-_-_AQ");
});

test.each(["a", "a*b=", "é"])("[H6] %j is no base64url", (text) => {
  expect(bytesOfBase64Url(text)).toBeNull();
});

test("[S5] hex is two lower-case characters a byte", () => {
  expect(hexOf(Uint8Array.of(0, 1, 0x0f, 0xf0, 0xff))).toBe("00010ff0ff");
});

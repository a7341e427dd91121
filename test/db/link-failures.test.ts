import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { connect } from "../../src/db/client.ts";
import { findOrInsertCode, useCode } from "../../src/db/linking.ts";
import type { Source } from "../../src/domain/linking.ts";
import { sourceOf } from "../../src/http/kit/address.ts";
import { elsewhere, freshDigits, insertCode, insertUser, MINUTE, tryCode } from "../support/linking.ts";
import { meter, scannedTables } from "../support/metered.ts";

/** The answers to a hundred wrong codes at the same moment. */
async function guessAtOnce(at: { source: Source; now: number }, guesses: number) {
  const uses = await Promise.all(Array.from({ length: guesses }, () => tryCode("none", at)));
  const count = (kind: string) => uses.filter((result) => result.kind === kind).length;
  return { wrong: count("unknown"), refused: count("refused") };
}

describe("guesses are bounded", () => {
  test("[S38] a hundred at once: ten are answered, and the next ones a minute later", async () => {
    const at = elsewhere();
    expect(await guessAtOnce(at, 100)).toEqual({ wrong: 10, refused: 90 });
    expect(await guessAtOnce({ ...at, now: at.now + MINUTE - 1 }, 5)).toEqual({ wrong: 0, refused: 5 });
    expect(await guessAtOnce({ ...at, now: at.now + MINUTE }, 100)).toEqual({ wrong: 10, refused: 90 });
  });

  test("[S38] any span of a minute holds ten, however they lie", async () => {
    const at = elsewhere();
    const answered: number[] = [];
    for (let second = 0; second < 200; second += 3) {
      const now = at.now + second * 1000;
      const { wrong } = await guessAtOnce({ ...at, now }, 2);
      for (let one = 0; one < wrong; one++) answered.push(now);
    }
    for (const end of answered) {
      expect(answered.filter((time) => time > end - MINUTE && time <= end).length).toBeLessThanOrEqual(10);
    }
    expect(answered.length).toBeGreaterThanOrEqual(30);
  });

  test("[S38] a right code of a refused source is refused too, stays live, and works elsewhere", async () => {
    const at = elsewhere();
    const code = await insertCode(await insertUser(), null, at.now);
    await guessAtOnce(at, 10);
    expect(await tryCode(code.code, at)).toEqual({ kind: "refused", againAt: at.now + MINUTE });
    expect(await tryCode(code.code, { ...elsewhere(), now: at.now })).toMatchObject({ kind: "used" });
  });

  test("[S38] right codes are no failures", async () => {
    const at = elsewhere();
    const userId = await insertUser();
    for (let one = 0; one < 15; one++) {
      expect((await tryCode((await insertCode(userId, null, at.now)).code, at)).kind).toBe("used");
    }
  });

  test("[S39] the addresses of one /64 are one source", async () => {
    const { now } = elsewhere();
    await guessAtOnce({ source: sourceOf("2001:db8:5:6::1"), now }, 10);
    expect((await tryCode("none", { source: sourceOf("2001:db8:5:6:ffff::2"), now })).kind).toBe("refused");
    expect((await tryCode("none", { source: sourceOf("2001:db8:5:7::1"), now })).kind).toBe("unknown");
  });

  test("[S61] a /48 is answered thirty wrong guesses a minute, from however many of its /64s", async () => {
    const { now } = elsewhere();
    const of = (subnet: number) => ({ source: sourceOf(`2001:db8:48:${subnet.toString(16)}::1`), now });
    const kinds: string[] = [];
    for (let subnet = 0; subnet < 60; subnet += 1) kinds.push((await tryCode("none", of(subnet))).kind);
    expect(kinds).toEqual([...Array(30).fill("unknown"), ...Array(30).fill("refused")]);
    const code = await insertCode(await insertUser(), null, now);
    const { database, take } = meter(env.DB);
    const refused = await useCode(connect(database), { digits: code.code, source: of(99).source }, now);
    expect(refused).toEqual({ kind: "refused", againAt: now + MINUTE });
    expect(take()).toEqual({ roundTrips: 1, rowsWritten: 0 });
    expect((await tryCode(code.code, { ...elsewhere(), now })).kind).toBe("used");
    expect((await tryCode("none", { source: sourceOf("2001:db8:49::1"), now })).kind).toBe("unknown");
    expect((await tryCode("none", { ...of(99), now: now + MINUTE })).kind).toBe("unknown");
  });

  test("[S61] all at once, too", async () => {
    const { now } = elsewhere();
    const uses = await Promise.all(
      Array.from({ length: 60 }, (_, subnet) => tryCode("none", { source: sourceOf(`2001:db8:4a:${subnet}::1`), now })),
    );
    expect(uses.filter(({ kind }) => kind === "unknown")).toHaveLength(30);
  });

  test("[S40] above 600 in all, only networks with a failure are refused", async () => {
    const { now } = elsewhere();
    const guesser = (host: number) => ({ source: sourceOf(`198.19.200.${host}`), now });
    for (let host = 0; host < 59; host++) await guessAtOnce(guesser(host), 10);
    await guessAtOnce(guesser(60), 9);
    expect(await guessAtOnce(guesser(61), 2)).toEqual({ wrong: 1, refused: 1 });
    expect(await guessAtOnce(guesser(60), 1)).toEqual({ wrong: 0, refused: 1 });

    const stranger = sourceOf("2001:db8:9:1::1");
    expect((await tryCode("none", { source: stranger, now: now + 1000 })).kind).toBe("unknown");
    expect(await tryCode("none", { source: stranger, now: now + 2000 })).toEqual({
      kind: "refused",
      againAt: now + MINUTE,
    });
    const neighbour = sourceOf("2001:db8:9:2::1");
    expect((await tryCode("none", { source: neighbour, now: now + 2000 })).kind).toBe("refused");

    const code = await insertCode(await insertUser(), null, now);
    expect((await tryCode(code.code, { source: elsewhere().source, now: now + 2000 })).kind).toBe("used");
    expect((await tryCode("none", { source: neighbour, now: now + MINUTE })).kind).toBe("unknown");
  });

  test("[S41] a wrong guess costs one round trip and two rows, a refused one no row", async () => {
    const at = elsewhere();
    const { database, take } = meter(env.DB);
    const guess = () => useCode(connect(database), { digits: "none", source: at.source }, at.now);
    await guess();
    expect(take()).toEqual({ roundTrips: 1, rowsWritten: 2 });
    for (let one = 0; one < 9; one++) await guess();
    take();
    expect((await guess()).kind).toBe("refused");
    expect(take()).toEqual({ roundTrips: 1, rowsWritten: 0 });
  });

  test("[S41] no statement of linking reads a table from end to end", async () => {
    const { source, now } = elsewhere();
    const { database, statements } = meter(env.DB);
    const metered = connect(database);
    const userId = await insertUser();
    await findOrInsertCode(metered, { userId, printerId: null, digits: freshDigits() }, now);
    await useCode(metered, { digits: "none", source }, now);
    expect(statements.length).toBe(6);
    expect(await scannedTables(env.DB, statements)).toEqual([]);
  });
});

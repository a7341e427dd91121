import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import { pollUnlinked } from "../../src/db/discovery.ts";
import { pruneLinking } from "../../src/db/link-retention.ts";
import {
  linkFailures,
  oneTimePasscodes,
  oneTimeVerificationCodes,
  unlinkedAgents,
} from "../../src/db/schema/linking.ts";
import { CLAIM_LIFE_MS, CODE_LIFE_MS, PASSCODE_LIFE_MS } from "../../src/domain/linking.ts";
import { codeNow, db, elsewhere, insertCode, insertUser, MINUTE, tryCode, unlinkedAgent } from "../support/linking.ts";

describe("what linking left behind goes", () => {
  test("[O56] codes a day after their end, failures after a minute; live ones stay", async () => {
    const { now, source } = elsewhere();
    const day = 24 * 3_600_000;
    const userId = await insertUser();
    const old = await insertCode(userId, null, now - day - CODE_LIFE_MS - 1);
    const recent = await insertCode(userId, null, now - day);
    await tryCode("none", { source, now: now - MINUTE - 1 });
    await tryCode("none", { source, now });
    while (await pruneLinking(db, now));
    expect(await codeNow(userId, old.id)).toBeUndefined();
    expect(await codeNow(userId, recent.id)).toEqual(recent);
    const left = await db.select().from(linkFailures);
    expect(left.filter((failure) => failure.address === source.address).map((failure) => failure.at)).toEqual([now]);
  });

  test("[O56] one call deletes a thousand rows of a table at most, and says that there are more", async () => {
    const { now } = elsewhere();
    const userId = await insertUser();
    await env.DB.prepare(
      `insert into one_time_verification_codes (user_id, code, created_at, expired_at)
       select ?, 'old', 0, 0 from json_each(?)`,
    )
      .bind(userId, JSON.stringify(Array(1500).fill(0)))
      .run();
    const count = async () =>
      (await db.select().from(oneTimeVerificationCodes)).filter((code) => code.userId === userId).length;
    expect(await pruneLinking(db, now)).toBe(true);
    expect(await count()).toBeGreaterThanOrEqual(500);
    while (await pruneLinking(db, now));
    expect(await count()).toBe(0);
  });

  test("[O56] passcodes go when they are over, agents ten minutes after their last poll", async () => {
    const { poll, now } = unlinkedAgent({ passcode: "" });
    await pollUnlinked(db, poll, now);
    const left = async () => ({
      passcodes: await db.$count(oneTimePasscodes, eq(oneTimePasscodes.deviceId, poll.deviceId)),
      agents: await db.$count(unlinkedAgents, eq(unlinkedAgents.deviceId, poll.deviceId)),
    });
    while (await pruneLinking(db, now + 10 * MINUTE));
    expect(await left()).toEqual({ passcodes: 1, agents: 1 });
    while (await pruneLinking(db, now + 10 * MINUTE + 1));
    expect(await left()).toEqual({ passcodes: 1, agents: 0 });
    while (await pruneLinking(db, now + PASSCODE_LIFE_MS + CLAIM_LIFE_MS + 1));
    expect(await left()).toEqual({ passcodes: 0, agents: 0 });
  });
});

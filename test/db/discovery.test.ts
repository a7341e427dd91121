import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import { connect } from "../../src/db/client.ts";
import { claimPasscode, insertMessage, listUnlinkedAgents, type Poll, pollUnlinked } from "../../src/db/discovery.ts";
import { unlinkedAgents } from "../../src/db/schema/linking.ts";
import { MESSAGE_LIFE_MS } from "../../src/domain/linking.ts";
import { sourceOf } from "../../src/http/kit/address.ts";
import { db, MINUTE, ownerWithCode, tryCode, unlinkedAgent } from "../support/linking.ts";
import { meter, scannedTables } from "../support/metered.ts";

describe("who is shown", () => {
  test("[S49] one or two agents at an address are shown there and nowhere else; three are not", async () => {
    const { poll, now } = unlinkedAgent();
    const { address } = poll.source;
    const shown = async () => (await listUnlinkedAgents(db, address, now)).length;
    const join = () => pollUnlinked(db, { ...unlinkedAgent().poll, source: poll.source }, now);
    expect(await shown()).toBe(0);
    await pollUnlinked(db, poll, now);
    expect(await listUnlinkedAgents(db, address, now)).toEqual([poll.info]);
    expect(await listUnlinkedAgents(db, unlinkedAgent().poll.source.address, now)).toEqual([]);
    await join();
    expect(await shown()).toBe(2);
    await join();
    expect(await shown()).toBe(0);
  });

  test("[S49] an agent that polls is shown throughout, one that stopped goes within 45 s", async () => {
    for (const pollMs of [2000, 5000]) {
      const { poll, now } = unlinkedAgent();
      const shown = async (at: number) => (await listUnlinkedAgents(db, poll.source.address, at)).length;
      for (let after = 0; after <= 2 * MINUTE; after += pollMs) {
        await pollUnlinked(db, poll, now + after);
        expect(await shown(now + after)).toBe(1);
        expect(await shown(now + after + pollMs - 1)).toBe(1);
      }
      expect(await shown(now + 2 * MINUTE + 45_000)).toBe(0);
    }
  });

  test("[S49] an agent without a local address is not shown", async () => {
    const { poll, now } = unlinkedAgent({ info: null });
    await pollUnlinked(db, poll, now);
    expect(await listUnlinkedAgents(db, poll.source.address, now)).toEqual([]);
  });

  test("[S49] what it says of itself is brought up to date", async () => {
    const { poll, now } = unlinkedAgent();
    await pollUnlinked(db, poll, now);
    await pollUnlinked(db, { ...poll, info: '{"changed":true}' }, now + 30_000);
    expect(await listUnlinkedAgents(db, poll.source.address, now + 30_000)).toEqual(['{"changed":true}']);
  });
});

describe("messages", () => {
  async function messageFor(poll: Poll, now: number, secret: string) {
    const owner = await ownerWithCode(now);
    const message = {
      address: poll.source.address,
      deviceId: poll.deviceId,
      secret,
      userId: owner.userId,
      codeId: owner.codeId,
    };
    await insertMessage(db, message, now);
    return { ...owner, secret, message };
  }

  test("[S51] goes once, to that device at that address, within a minute", async () => {
    const { poll, now } = unlinkedAgent();
    const { digits, secret } = await messageFor(poll, now, "s1");
    const elsewhere = { ...poll, source: unlinkedAgent().poll.source };
    const otherDevice = { ...poll, deviceId: "0".repeat(32) };
    expect((await pollUnlinked(db, elsewhere, now)).message).toBeNull();
    expect((await pollUnlinked(db, otherDevice, now)).message).toBeNull();
    expect((await pollUnlinked(db, poll, now + MESSAGE_LIFE_MS - 1)).message).toEqual({ code: digits, secret });
    expect((await pollUnlinked(db, poll, now + MESSAGE_LIFE_MS - 1)).message).toBeNull();
  });

  test("[S51] too late: not delivered", async () => {
    const { poll, now } = unlinkedAgent();
    await messageFor(poll, now, "s2");
    expect((await pollUnlinked(db, poll, now + MESSAGE_LIFE_MS)).message).toBeNull();
  });

  test("[S51] an agent that polls twice at once gets it once", async () => {
    const { poll, now } = unlinkedAgent();
    await messageFor(poll, now, "s3");
    const polls = await Promise.all(Array.from({ length: 6 }, () => pollUnlinked(db, poll, now)));
    expect(polls.filter(({ message }) => message !== null)).toHaveLength(1);
  });

  test("[S51] one a poll, the oldest first; of one person only the newest", async () => {
    const { poll, now } = unlinkedAgent();
    const ada = await messageFor(poll, now, "s4");
    const bob = await messageFor(poll, now, "s5");
    await insertMessage(db, { ...ada.message, secret: "s6" }, now);
    expect((await pollUnlinked(db, poll, now)).message).toEqual({ code: ada.digits, secret: "s6" });
    expect((await pollUnlinked(db, poll, now)).message).toEqual({ code: bob.digits, secret: "s5" });
    expect((await pollUnlinked(db, poll, now)).message).toBeNull();
  });

  test("[S51] a code that was used meanwhile is not delivered", async () => {
    const { poll, now } = unlinkedAgent();
    const { digits } = await messageFor(poll, now, "s7");
    await tryCode(digits, { source: poll.source, now });
    expect((await pollUnlinked(db, poll, now)).message).toBeNull();
  });
});

describe("polling is cheap, and strangers cannot fill the store", () => {
  test.each([
    { name: "Moonraker's agent, every 2 s", pollMs: 2000, passcode: "" },
    { name: "OctoPrint's, every 5 s", pollMs: 5000, passcode: null },
  ])("[S54] ten minutes of $name: one round trip a poll, a row in 30 s", async ({ pollMs, passcode }) => {
    const { database, take } = meter(env.DB);
    const metered = connect(database);
    const { poll, now } = unlinkedAgent({ passcode });
    const first = await pollUnlinked(metered, poll, now);
    const birth = take();
    expect(birth.roundTrips).toBe(1);
    expect(birth.rowsWritten).toBeLessThanOrEqual(6);
    const held = { ...poll, passcode: first.passcode?.passcode ?? null };
    let polls = 0;
    for (let after = pollMs; after <= 10 * MINUTE; after += pollMs) {
      await pollUnlinked(metered, held, now + after);
      polls += 1;
    }
    expect(take()).toEqual({ roundTrips: polls, rowsWritten: 20 });
  });

  test("[S54] an address gets ten passcodes a minute, its agents the next one a minute later", async () => {
    const { poll, now } = unlinkedAgent();
    const fresh = (at: number) =>
      pollUnlinked(db, { ...unlinkedAgent({ passcode: "" }).poll, source: poll.source }, at);
    const given = await Promise.all(Array.from({ length: 25 }, () => fresh(now)));
    expect(given.filter(({ passcode }) => passcode !== null)).toHaveLength(10);
    expect((await fresh(now + MINUTE - 1)).passcode).toBeNull();
    expect((await fresh(now + MINUTE)).passcode).not.toBeNull();
  });

  test("[S54] an address keeps three agents, however many device ids it makes up", async () => {
    const { poll, now } = unlinkedAgent();
    for (let one = 0; one < 20; one++) {
      await pollUnlinked(db, { ...unlinkedAgent().poll, source: poll.source }, now);
    }
    const rows = await db.select().from(unlinkedAgents).where(eq(unlinkedAgents.address, poll.source.address));
    expect(rows).toHaveLength(3);
  });

  test("[S54] in a flood of new agents an honest one still gets its passcode, a flooding network no second one", async () => {
    const { now } = unlinkedAgent();
    const fresh = (ip: string) => pollUnlinked(db, unlinkedAgent({ passcode: "", source: sourceOf(ip) }).poll, now);
    for (let host = 0; host < 60; host++) {
      await Promise.all(Array.from({ length: 10 }, () => fresh(`198.19.7.${host}`)));
    }
    expect((await fresh("198.19.7.0")).passcode).toBeNull();
    expect((await fresh("2001:db8:77:1::1")).passcode).not.toBeNull();
    expect((await fresh("2001:db8:77:2::1")).passcode).toBeNull();
    expect((await fresh("198.19.8.1")).passcode).not.toBeNull();
  });

  test("[S54] no statement reads a table from end to end", async () => {
    const { database, statements } = meter(env.DB);
    const metered = connect(database);
    const { poll, now } = unlinkedAgent({ passcode: "" });
    const owner = await ownerWithCode(now);
    await pollUnlinked(metered, poll, now);
    await listUnlinkedAgents(metered, poll.source.address, now);
    await claimPasscode(metered, { ...owner, passcode: poll.freshPasscode }, now);
    await insertMessage(metered, { address: "x", deviceId: "x", userId: owner.userId, codeId: 1, secret: "x" }, now);
    expect(statements.length).toBe(9);
    expect(await scannedTables(env.DB, statements)).toEqual([]);
  });
});

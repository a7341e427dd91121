import { describe, expect, test } from "vitest";
import { claimPasscode, type Poll, pollUnlinked } from "../../src/db/discovery.ts";
import { CLAIM_LIFE_MS, PASSCODE_LIFE_MS } from "../../src/domain/linking.ts";
import { db, freshPasscode, insertUser, MINUTE, ownerWithCode, tryCode, unlinkedAgent } from "../support/linking.ts";

/** The passcode that a Moonraker agent gets with its first poll. */
async function firstPasscode(poll: Poll, now: number): Promise<string> {
  const { passcode } = await pollUnlinked(db, { ...poll, passcode: "" }, now);
  return passcode?.passcode ?? "";
}

describe("passcodes", () => {
  test("[S42] an agent without one gets a fresh one; one that shows it gets it back, unclaimed", async () => {
    const { poll, now } = unlinkedAgent({ passcode: "" });
    expect(await pollUnlinked(db, poll, now)).toEqual({
      message: null,
      passcode: { passcode: poll.freshPasscode, code: "" },
    });
    const next = { ...poll, passcode: poll.freshPasscode, freshPasscode: freshPasscode() };
    expect((await pollUnlinked(db, next, now + 2000)).passcode).toEqual({ passcode: poll.freshPasscode, code: "" });
  });

  test("[S42] an agent that knows no passcodes gets none", async () => {
    const { poll, now } = unlinkedAgent();
    expect(await pollUnlinked(db, poll, now)).toEqual({ message: null, passcode: null });
  });

  test.each([
    { name: "unknown", passcode: () => "zzzzz", after: 0 },
    { name: "two hours old", passcode: (own: string) => own, after: PASSCODE_LIFE_MS },
  ])("[S42] one that is $name is replaced", async ({ passcode, after }) => {
    const { poll, now } = unlinkedAgent();
    const own = await firstPasscode(poll, now);
    const next = { ...poll, passcode: passcode(own), freshPasscode: freshPasscode() };
    expect((await pollUnlinked(db, next, now + after)).passcode).toEqual({ passcode: next.freshPasscode, code: "" });
  });

  test("[S43] a claimed one delivers the code to its device for a minute, and is not claimed twice", async () => {
    const { poll, now } = unlinkedAgent();
    const passcode = await firstPasscode(poll, now);
    const owner = await ownerWithCode(now);
    const thief = await ownerWithCode(now);
    expect(await claimPasscode(db, { ...owner, passcode }, now)).toEqual({ kind: "claimed" });
    expect(await claimPasscode(db, { ...thief, passcode }, now)).toEqual({ kind: "unknown_passcode" });
    const held = { ...poll, passcode, freshPasscode: freshPasscode() };
    for (const after of [1000, 3000, CLAIM_LIFE_MS - 1]) {
      expect((await pollUnlinked(db, held, now + after)).passcode).toEqual({ passcode, code: owner.digits });
    }
    const late = await pollUnlinked(db, held, now + CLAIM_LIFE_MS);
    expect(late.passcode).toEqual({ passcode: held.freshPasscode, code: "" });
  });

  test("[S43] claiming one again with the same code is the same claim, and no failure", async () => {
    const { poll, now } = unlinkedAgent();
    const passcode = await firstPasscode(poll, now);
    const owner = await ownerWithCode(now);
    for (let claim = 0; claim < 15; claim += 1) {
      expect(await claimPasscode(db, { ...owner, passcode }, now + claim)).toEqual({ kind: "claimed" });
    }
    expect((await pollUnlinked(db, { ...poll, passcode }, now)).passcode).toEqual({ passcode, code: owner.digits });
  });

  test("[S44] a guessed passcode gives nothing away: another device gets a fresh one", async () => {
    const { poll, now } = unlinkedAgent();
    const passcode = await firstPasscode(poll, now);
    const owner = await ownerWithCode(now);
    await claimPasscode(db, { ...owner, passcode }, now);
    const guesser = unlinkedAgent({ passcode }).poll;
    expect((await pollUnlinked(db, guesser, now)).passcode).toEqual({ passcode: guesser.freshPasscode, code: "" });
  });

  test("[S44] a device id alone gives nothing away either", async () => {
    const { poll, now } = unlinkedAgent();
    const passcode = await firstPasscode(poll, now);
    const owner = await ownerWithCode(now);
    await claimPasscode(db, { ...owner, passcode }, now);
    const guesser = { ...unlinkedAgent({ passcode: "" }).poll, deviceId: poll.deviceId };
    expect((await pollUnlinked(db, guesser, now)).passcode).toEqual({ passcode: guesser.freshPasscode, code: "" });
  });

  test("[S43] a code that was used meanwhile is not delivered: it would end the agent's discovery", async () => {
    const { poll, now } = unlinkedAgent();
    const passcode = await firstPasscode(poll, now);
    const owner = await ownerWithCode(now);
    await claimPasscode(db, { ...owner, passcode }, now);
    await tryCode(owner.digits, { source: poll.source, now });
    expect((await pollUnlinked(db, { ...poll, passcode }, now)).passcode).toEqual({ passcode, code: "" });
  });

  test("[S42] characters of a live passcode are never given to a second agent", async () => {
    const first = unlinkedAgent();
    const passcode = await firstPasscode(first.poll, first.now);
    const second = unlinkedAgent({ passcode: "", freshPasscode: passcode }).poll;
    expect((await pollUnlinked(db, second, first.now)).passcode).toBeNull();
    expect((await pollUnlinked(db, second, first.now + PASSCODE_LIFE_MS)).passcode).toEqual({ passcode, code: "" });
  });

  test.each([
    { name: "somebody else's code", digits: async (now: number) => (await ownerWithCode(now)).digits },
    { name: "no code at all", digits: async () => "none" },
  ])("[S43] claiming with $name is refused and claims nothing", async ({ digits }) => {
    const { poll, now } = unlinkedAgent();
    const passcode = await firstPasscode(poll, now);
    const claim = { userId: await insertUser(), digits: await digits(now), passcode };
    expect(await claimPasscode(db, claim, now)).toEqual({ kind: "unknown_code" });
    expect((await pollUnlinked(db, { ...poll, passcode }, now + CLAIM_LIFE_MS)).passcode).toEqual({
      passcode,
      code: "",
    });
    const owner = await ownerWithCode(now);
    expect(await claimPasscode(db, { ...owner, passcode }, now)).toEqual({ kind: "claimed" });
  });

  test("[S45] an account may guess ten passcodes a minute, at once or not", async () => {
    const { poll, now } = unlinkedAgent();
    const passcode = await firstPasscode(poll, now);
    const guesser = await ownerWithCode(now);
    const guess = () => claimPasscode(db, { ...guesser, passcode: "zzzzz" }, now);
    const kinds = (await Promise.all(Array.from({ length: 30 }, guess))).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === "unknown_passcode")).toHaveLength(10);
    expect(await claimPasscode(db, { ...guesser, passcode }, now)).toEqual({ kind: "refused", againAt: now + MINUTE });
    const owner = await ownerWithCode(now);
    expect(await claimPasscode(db, { ...owner, passcode }, now)).toEqual({ kind: "claimed" });
  });
});

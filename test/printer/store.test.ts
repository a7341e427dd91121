/** How much of the past an object keeps. */
import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import type { CommandRecord } from "../../src/domain/command.ts";
import { printByServer } from "../../src/domain/print.ts";
import { Store } from "../../src/printer/store.ts";
import { makePrinter } from "../support/printer.ts";

async function withStore(act: (store: Store) => void): Promise<void> {
  const printer = await makePrinter();
  await printer.stub.view(printer.uid);
  await runInDurableObject(printer.stub, (_instance, { storage }) => {
    const store = new Store(storage.sql);
    storage.transactionSync(() => act(store));
  });
}

function aCommand(id: string, createdAt: number): CommandRecord {
  const nothing = {
    reason: null,
    agentWords: null,
    printId: null,
    userId: null,
    tokenName: null,
    settleBy: null,
    sentAt: null,
  };
  const ended = { kind: "pause", state: "succeeded", initiator: "api", deliveredAt: null, endedAt: createdAt } as const;
  return { id, createdAt, expiresAt: createdAt, ...nothing, ...ended };
}

test("[O6] the newest 200 prints, by their ids", () =>
  withStore((store) => {
    for (let n = 1; n <= 205; n++) store.rememberPrint(printByServer(n, 1_000_000 - n, "a.gcode", 0));
    expect(store.findPrint(1_000_000 - 5)).toBeNull();
    expect(store.findPrint(1_000_000 - 6)).toMatchObject({ id: 6 });
    expect(store.listExtIdsFrom(0)).toHaveLength(200);
  }));

test("[O7] the newest 1,000 commands, though many came in the same millisecond", () =>
  withStore((store) => {
    for (let n = 1; n <= 1_010; n++) store.rememberCommand(aCommand(`c${10_000 + n}`, n < 20 ? 1 : n));
    const kept = store.listCommands();
    expect(kept).toHaveLength(1_000);
    expect(store.findCommand("c10010")).toBeNull();
    expect(store.findCommand("c10011")).not.toBeNull();
  }));

test("[O8] the newest 1,000 idempotency keys for 24 hours, and the commands that they name", () =>
  withStore((store) => {
    const key = (n: number) => ({ key: `k${10_000 + n}`, request: "r", commandId: `named${n}` });
    for (let n = 1; n <= 1_001; n++) {
      store.rememberCommand(aCommand(`named${n}`, n));
      store.rememberIdempotency(key(n), 1_000_000);
    }
    for (let n = 1; n <= 1_001; n++) store.rememberCommand(aCommand(`other${n}`, 10_000 + n));
    expect(store.findIdempotency(key(1).key, 1_000_000)).toBeNull();
    expect(store.findCommand("named1")).toBeNull();
    expect(store.findIdempotency(key(2).key, 1_000_000)).toEqual(key(2));
    expect(store.findCommand("named2")).not.toBeNull();
    expect(store.findIdempotency(key(2).key, 1_000_000 + 86_400_000)).toBeNull();
  }));

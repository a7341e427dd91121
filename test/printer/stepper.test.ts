/** What an object's parts hear of a step. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import type { Printer } from "../../src/domain/change.ts";
import { Stepper } from "../../src/printer/stepper.ts";
import { frame, MOONRAKER } from "../support/frames.ts";
import { connectAgent, makePrinter } from "../support/printer.ts";

test("[C25] each change is told with the printer before and after it, that of a frame that was not taken behind its own", async () => {
  const printer = await makePrinter();
  const agent = await connectAgent(printer);
  agent.send({ ...frame({ ts: 1_790_000_100 }), ...MOONRAKER });
  await agent.settled();
  await runInDurableObject(printer.stub, (_instance, ctx) => {
    const told: [before: Printer, after: Printer][] = [];
    const stepper = new Stepper(ctx, env.DB, (before, after) => told.push([before, after]));
    stepper.sockets.send = () => false;
    const refs = { ref: "c:a", probeRef: "p:a", printId: null, file: null } as const;
    const by = { initiator: "api", userId: null, tokenName: null } as const;
    const reply = stepper.apply({ type: "command", command: { id: "a", kind: "pause", ...refs, ...by } });
    expect(reply).toEqual({ type: "command", commandId: "a" });
    expect(told.map(([, { state }]) => state.ledger.map((command) => command.state))).toEqual([["sent"], []]);
    expect(told[1]?.[0]).toBe(told[0]?.[1]);
    expect(stepper.printer()).toBe(told[1]?.[1]);
    expect(stepper.store.findCommand("a")).toMatchObject({ state: "rejected", reason: "agent_offline", sentAt: null });
  });
});

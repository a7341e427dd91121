/** The tables of the contract's page are those of the program: failure codes with their statuses, reasons of commands. */
import { Hono } from "hono";
import { requestId } from "hono/request-id";
import { describe, expect, test } from "vitest";
import { app } from "../../src/app.ts";
import type { CommandKind } from "../../src/domain/command-kind.ts";
import { CONFIGURATION_FIELDS } from "../../src/domain/configuration.ts";
import { type Failure, invalid, notFound } from "../../src/domain/failure.ts";
import { CommandJson } from "../../src/http/json/command.ts";
import type { HttpEnv } from "../../src/http/kit/context.ts";
import { problem } from "../../src/http/kit/errors.ts";
import page from "../../src/http/README.md?raw";

/** One of each code; a new code does not compile without one. */
const FAILURES: { readonly [C in Failure["code"]]: Extract<Failure, { code: C }> } = {
  unauthenticated: { code: "unauthenticated", reason: "missing", realm: "api" },
  insufficient_scope: { code: "insufficient_scope" },
  not_found: { code: "not_found", noun: "Printer" },
  method_not_allowed: { code: "method_not_allowed", method: "PUT", allow: ["GET"] },
  invalid: { code: "invalid", errors: { name: ["This field is required."] } },
  idempotency_mismatch: { code: "idempotency_mismatch" },
  too_large: { code: "too_large", limitBytes: 1 },
  unsupported_media_type: { code: "unsupported_media_type", mediaType: "text/plain" },
  upgrade_required: { code: "upgrade_required" },
  throttled: { code: "throttled", retryAfterSeconds: 1 },
  not_configured: { code: "not_configured", variable: "X", command: "set it" },
  overloaded: { code: "overloaded", retryAfterSeconds: 1 },
  unavailable: { code: "unavailable", retryAfterSeconds: 1 },
  internal: { code: "internal" },
};

async function answer(failure: Failure): Promise<Response> {
  const app = new Hono<HttpEnv>().use(requestId()).get("/", (c) => problem(c, failure));
  return app.request("/");
}

describe("problem documents", () => {
  const told = [...page.matchAll(/^\| `([a-z_]+)` \| (\d{3}) \| .* \| ([^|]*)\|$/gm)].map(
    ([, code, status, headers]) => ({
      ...{ code: String(code), status: Number(status) },
      headers: [...(headers ?? "").matchAll(/`([\w-]+)[:`]/g)]
        .map(([, name = ""]) => name)
        .filter((name) => name !== "Token"),
    }),
  );

  test("[H3] the contract's table has every code, and no other", () => {
    expect(told.map(({ code }) => code).sort()).toEqual(Object.keys(FAILURES).sort());
  });

  test.each(Object.values(FAILURES))("[H3] $code has its status and headers of the table", async (failure) => {
    const wanted = told.find(({ code }) => code === failure.code);
    const { status, headers } = await answer(failure);
    expect(status).toBe(wanted?.status);
    for (const name of wanted?.headers ?? []) expect(headers.get(name), name).not.toBeNull();
  });

  test("[H2] only a 400 has `errors`, and every one has the same other keys", async () => {
    const keys = ["code", "detail", "request_id", "status", "title", "type"];
    const bad: Record<string, unknown> = await (await answer(invalid("name", "This field is required."))).json();
    expect(Object.keys(bad).sort()).toEqual([...keys, "errors"].sort());
    const gone: Record<string, unknown> = await (await answer(notFound(null))).json();
    expect(Object.keys(gone).sort()).toEqual(keys);
  });
});

test("[H57] the table of reasons has every reason of a command, and no other", () => {
  const told = [...page.matchAll(/^\| `([a-z_]+)` \| (?:`[a-z]+`(?:, )?)+ \|/gm)].map(([, reason]) => reason);
  expect(told.sort()).toEqual([...CommandJson.shape.reason.unwrap().options].sort());
});

test("[H58] the contract's table of what may be set has every field, and no other", () => {
  const [, table = ""] = /\| what may be set \|.*\n\|.*\n((?:\|.*\n)+)/.exec(page) ?? [];
  const names = table.split("\n").flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`(\w+)`/g)]);
  const fields = Object.values(CONFIGURATION_FIELDS).map(({ wire }) => wire);
  expect(names.map(([, name]) => name).sort()).toEqual([...fields].sort());
});

/** A kind that has no route yet does not compile. */
const ACTIONS = {
  pause: "pause_print",
  resume: "resume_print",
  cancel: "cancel_print",
  print_file: "print_file",
} as const satisfies Record<CommandKind, string>;

test.each(Object.values(ACTIONS))("[H28] the route of %s is mounted", (action) => {
  const path = `/api/v1/printers/:printerId/${action}`;
  expect(app.routes.some((route) => route.method === "POST" && route.path === path)).toBe(true);
});

/** Uploads as slicers send them: into a folder by its path, and printed at once. */

import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { type Account, agentCall, call, connectAgentOf, makeAccount, makePrinterOf } from "../../support/api.ts";
import { frame, MOONRAKER } from "../../support/frames.ts";
import { GCODE_TEXT, makeFolder, objectsOf } from "../../support/upload.ts";

const FILES = "/api/v1/g_code_files/";

/** Its fields in their order, and one file. */
function send({ token }: Account, fields: Readonly<Record<string, string>>, headers = {}, content = GCODE_TEXT) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", new File([content], fields.filename ?? "own name.gcode"));
  return call("POST", FILES, { token, raw: form, headers });
}

/** As OrcaSlicer does. */
const orca = (printer: string, fields = {}) => ({
  ...{ print: "true", path: "", printer_id: printer, filename: "hook v2.gcode", ...fields },
});

async function idle() {
  const account = await makeAccount();
  const printer = await makePrinterOf(account);
  const agent = await connectAgentOf(printer);
  agent.send({ ...frame({ ts: -1, text: "Operational", name: null }), ...MOONRAKER });
  await agent.settled();
  return { account, printer, agent };
}

async function isNothingKept(account: Account): Promise<boolean> {
  const counts = await Promise.all(
    [FILES, "/api/v1/g_code_folders/"].map(async (path) => (await call("GET", path, account)).body.count),
  );
  return [...counts, (await objectsOf(account)).length].every((count) => count === 0);
}

describe("upload and print", () => {
  test.each([
    ["its id", (id: number) => String(id)],
    ["name and id", (id: number) => `My [2] Printer [${id}]`],
  ])("[G38] keeps the file, then gives the command to the printer of %s", async (_, named) => {
    const { account, printer, agent } = await idle();
    const answer = send(account, orca(named(printer.id)));
    const { passthru } = (await agent.next("passthru")) as { passthru: { ref: string; args: object[] } };
    agent.send({ passthru: { ref: passthru.ref, ret: { target_path: "hook_v2.gcode" } } });
    const { status, body } = await answer;
    expect([status, body]).toMatchObject([
      201,
      { filename: "hook v2.gcode", parent_folder: null, command: { kind: "print_file", state: "delivered" } },
    ]);
    const { url, ...file } = passthru.args[0] as Record<string, string>;
    expect(file).toEqual({ id: body.id, filename: "hook v2.gcode", safe_filename: "hook_v2.gcode" });
    expect((await call("GET", new URL(url ?? "").pathname + new URL(url ?? "").search)).body).toBe(GCODE_TEXT);
  });

  test("[G38] [H95] sent twice with a key, at once and again, makes one file and one command", async () => {
    const { account, printer, agent } = await idle();
    const headers = { "Idempotency-Key": "upload and print" };
    const upload = () => send(account, orca(String(printer.id), { path: "Toys/Cars" }), headers);
    const twins = [upload(), upload()];
    const { passthru } = (await agent.next("passthru")) as { passthru: { ref: string } };
    agent.send({ passthru: { ref: passthru.ref, ret: { target_path: "hook_v2.gcode" } } });
    const answers = [...(await Promise.all(twins)), await upload()];
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.id} ${body.command.id}`)).size).toBe(1);
    expect(answers[2]?.headers.get("Idempotency-Replayed")).toBe("true");
    expect(agent.pending("passthru")).toBe(0);
    expect(await objectsOf(account)).toHaveLength(1);
    const elsewhere = await send(account, orca(String(printer.id), { path: "Toys" }), headers);
    expect(elsewhere.status).toBe(422);
  });

  test("[G38] without `print` keeps the file alone, whatever printer is named", async () => {
    const { account, agent } = await idle();
    for (const fields of [
      { print: "false" },
      { print: "false", printer_id: "" },
      { print: "false", printer_id: "999999" },
    ]) {
      const { status, body } = await send(account, orca("", fields));
      expect([status, "command" in body]).toEqual([201, false]);
    }
    expect(agent.pending("passthru")).toBe(0);
  });

  test("[G40] a refused command is told in words beside the file, which stays", async () => {
    const account = await makeAccount();
    const printer = await makePrinterOf(account);
    const { status, body } = await send(account, orca(String(printer.id)));
    expect([status, body.command]).toMatchObject([
      201,
      { state: "rejected", reason: "agent_offline", detail: "The printer's agent is not there." },
    ]);
    expect((await call("GET", `${FILES}${body.id}/`, account)).status).toBe(200);
  });

  test("[G40] so is a printer that nobody can reach by then", async () => {
    const { account, printer } = await idle();
    const errors = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const broken = vi.spyOn(env.PRINTERS, "getByName").mockImplementation(() => {
      throw new Error("Network connection lost.");
    });
    const { status, body } = await send(account, orca(String(printer.id)));
    broken.mockRestore();
    errors.mockRestore();
    expect([status, body.command, body.detail]).toEqual([201, null, expect.stringContaining("Try again")]);
    expect((await call("GET", `${FILES}${body.id}/`, account)).status).toBe(200);
  });

  test("[G39] [S27] a foreign, unknown, archived or missing printer is refused, and nothing is kept", async () => {
    const { account, printer: archived } = await idle();
    await call("DELETE", `/api/v1/printers/${archived.id}/`, account);
    const foreign = await makePrinterOf(await makeAccount());
    const seen = [];
    for (const named of [String(foreign.id), `Bench [${foreign.id}]`, "999999999", String(archived.id), "", "x", "0"]) {
      const { status, body } = await send(account, orca(named, { path: "Toys" }));
      seen.push([status, body.errors]);
    }
    const wrong = (sentence: string) => [400, { printer_id: [sentence] }];
    expect(seen).toEqual([
      ...Array(4).fill(wrong("Printer does not exist")),
      wrong("This field is required to print."),
      ...Array(2).fill(wrong("A valid integer is required.")),
    ]);
    expect(await isNothingKept(account)).toBe(true);
  });

  test("[G39] what is no G-code, or no file at all, is not printed", async () => {
    const { account, printer, agent } = await idle();
    const binary = await send(account, orca(String(printer.id)), {}, "GCDE\0");
    const form = new FormData();
    for (const [name, value] of Object.entries(orca(String(printer.id)))) form.append(name, value);
    const bare = await call("POST", FILES, { token: account.token, raw: form });
    expect([binary.body.errors, bare.body.errors]).toEqual([
      { file: [expect.stringContaining("binary G-code")] },
      { file: ["This field is required to print."] },
    ]);
    expect([await isNothingKept(account), agent.pending("passthru")]).toEqual([true, 0]);
  });
});

describe("a path", () => {
  const folders = async (account: Account) =>
    (await call("GET", "/api/v1/g_code_folders/?sorting=created_at_asc&page_size=50", account)).body.results.map(
      ({ id, name, parent_folder }: Record<string, unknown>) => ({ id, name, parent_folder }),
    );

  test("[G41] is made, and found again by a second upload, whichever way it is written", async () => {
    const account = await makeAccount();
    const ids = [];
    for (const path of ["Toys & co/Cars", "/Toys & co//Cars/", "Toys_&_co\\Cars", "./Toys - co/ Cars "]) {
      const { status, body } = await send(account, { path });
      expect([path, status]).toEqual([path, 201]);
      ids.push(body.parent_folder);
    }
    const [toys, cars] = await folders(account);
    expect(await folders(account)).toEqual([
      { id: toys.id, name: "Toys & co", parent_folder: null },
      { id: cars.id, name: "Cars", parent_folder: toys.id },
    ]);
    expect(ids).toEqual(Array(4).fill(cars.id));
    expect((await call("GET", "/api/v1/g_code_folders/?q=CARS", account)).body.count).toBe(1);
    expect((await send(account, { path: " / ./" })).body.parent_folder).toBeNull();
  });

  test("[G41] lies below the parent folder that is named beside it", async () => {
    const account = await makeAccount();
    const parent = await makeFolder(account, "Toys");
    const fields = { path: "Toys", parent_folder: String(parent) };
    const [one, two] = [await send(account, fields), await send(account, fields)];
    expect(one.body.parent_folder).toBe(two.body.parent_folder);
    expect(await folders(account)).toMatchObject([{ parent_folder: null }, { name: "Toys", parent_folder: parent }]);
    const foreign = await makeFolder(await makeAccount(), "Theirs");
    const refused = await send(account, { path: "a/b", parent_folder: String(foreign) });
    expect([refused.status, refused.body.errors]).toEqual([400, { parent_folder: ["Parent folder does not exist"] }]);
    expect(await folders(account)).toHaveLength(2);
  });

  test("[G41] of uploads at once is made once", async () => {
    const account = await makeAccount();
    const answers = await Promise.all(Array.from({ length: 6 }, () => send(account, { path: "Toys/Cars/Red" })));
    expect(new Set(answers.map(({ body }) => body.parent_folder)).size).toBe(1);
    expect(await folders(account)).toHaveLength(3);
  });

  test.each([
    ["a/../b", "A path cannot lead upwards."],
    ["..", "A path cannot lead upwards."],
    ["a/ .. ", "A path cannot lead upwards."],
    [`a/${"x".repeat(1001)}`, "Ensure this field has no more than 1000 characters."],
    ["x".repeat(4001), "Ensure this field has no more than 4000 characters."],
    ["a/".repeat(17), "Ensure this path has no more than 16 folders."],
    ["a\0b", "Null characters are not allowed."],
  ])("[G42] %j is refused, and nothing is kept", async (path, sentence) => {
    const account = await makeAccount();
    const { status, body } = await send(account, { path });
    expect([status, body.errors]).toEqual([400, { path: [sentence] }]);
    expect(await isNothingKept(account)).toBe(true);
  });

  test("[G5] makes no folder while R2 is down", async () => {
    const account = await makeAccount();
    const errors = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const broken = vi.spyOn(env.GCODE, "put").mockRejectedValue(new Error("put: internal error (10001)"));
    const { status } = await send(account, { path: "Toys" });
    broken.mockRestore();
    errors.mockRestore();
    expect([status, await isNothingKept(account)]).toEqual([503, true]);
  });

  test("[G41] may be sixteen folders deep", async () => {
    const account = await makeAccount();
    expect((await send(account, { path: "a/".repeat(16) })).status).toBe(201);
    expect(await folders(account)).toHaveLength(16);
  });
});

test("[G31] [A37] an agent that fetched a file of a long name finds it again", async () => {
  const { account, printer, agent } = await idle();
  const filename = `${"复复复复 ".repeat(60)}.gcode`;
  const answer = send(account, orca(String(printer.id), { filename }));
  const { passthru } = (await agent.next("passthru")) as {
    passthru: { ref: string; args: { safe_filename: string }[] };
  };
  agent.send({ passthru: { ref: passthru.ref, ret: {} } });
  const { body } = await answer;
  const safe_filename = passthru.args[0]?.safe_filename ?? "";
  expect(new TextEncoder().encode(safe_filename).length).toBeLessThanOrEqual(200);
  const signed = { safe_filename, agent_signature: "ts:1.25" };
  await agentCall("PATCH", `/api/v1/octo/g_code_files/${body.id}/`, printer.auth_token, { body: signed });
  const found = await agentCall("POST", "/api/v1/octo/g_code_files/", printer.auth_token, {
    body: { filename: safe_filename, ...signed },
  });
  expect([found.status, found.body.id]).toEqual([200, body.id]);
});

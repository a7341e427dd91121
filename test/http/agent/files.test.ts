/** What agents say of their files, and the pictures they post, in the bytes of the real ones. */
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { Fields } from "../../../scripts/virtual/form.ts";
import { connect } from "../../../src/db/client.ts";
import { findOrInsertGCodeFile } from "../../../src/db/g-code-files.ts";
import { gCodeCopies, gCodeFiles } from "../../../src/db/schema/g-code.ts";
import { form, makeOwned, multipart, recorded, repeat } from "../../support/agent-calls.ts";
import { agentCall, call, connectAgentOf, makePrinterOf } from "../../support/api.ts";
import { frame } from "../../support/frames.ts";
import { meter } from "../../support/metered.ts";
import { db, projected } from "../../support/printer.ts";
import { callsOf, picture, RECORDINGS } from "../../support/recordings.ts";

const T = 1_790_000_100;
const FILES = "/api/v1/octo/g_code_files/";
const PICTURES = "/api/v1/octo/pic/";

describe("G-code records", () => {
  async function reported(token: string, fields: Fields) {
    return agentCall("POST", FILES, token, form(fields));
  }

  const CUBE: Fields = [
    ["filename", "cube.gcode"],
    ["safe_filename", "cube.gcode"],
    ["num_bytes", "1234567"],
    ["agent_signature", "ts:1760000000.25"],
    ["url", "sub/cube.gcode"],
  ];

  test.each(["moonraker", "octoprint"] as const)("[A36] %s's report is made once and found again", async (dialect) => {
    const { account, printer, token } = await makeOwned();
    const one = recorded(dialect, FILES);
    const made = await repeat(one, token);
    const sent = Object.fromEntries(new URLSearchParams(one.body));
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      ...sent,
      num_bytes: Number(sent.num_bytes),
      user: account.userId,
      resident_printer: printer.id,
      deleted: null,
    });
    const again = await repeat(one, token);
    expect([again.status, again.body]).toEqual([200, made.body]);
  });

  test("[A36] the same name under another signature, or on another printer, is another record", async () => {
    const { account, token } = await makeOwned();
    const first = await reported(token, CUBE);
    const changed = await reported(
      token,
      CUBE.map(([key, value]) => [key, key === "agent_signature" ? "ts:1" : value]),
    );
    const other = await reported((await makePrinterOf(account)).auth_token, CUBE);
    expect([first.status, changed.status, other.status]).toEqual([201, 201, 201]);
    expect(new Set([first.body.id, changed.body.id, other.body.id]).size).toBe(3);
  });

  test("[A37] a file of the cloud is found after its PATCH, and stays where it is", async () => {
    const { account, token } = await makeOwned();
    const file = await insertCloudFile(account.userId);
    const patched = await agentCall(
      "PATCH",
      `${FILES}${file.id}/`,
      token,
      form([
        ["safe_filename", "My_Cube.gcode"],
        ["agent_signature", "md5:a1d844da6fa7a04656b5f20b3cac881cceeaad27"],
      ]),
    );
    expect(patched).toMatchObject({ status: 200, body: { id: file.id, safe_filename: "My_Cube.gcode" } });
    const found = await reported(token, [
      ["filename", "My_Cube.gcode"],
      ["safe_filename", "My_Cube.gcode"],
      ["num_bytes", "10"],
      ["agent_signature", "md5:a1d844da6fa7a04656b5f20b3cac881cceeaad27"],
      ["url", "ObicoUpload/My_Cube.gcode"],
    ]);
    expect(found).toMatchObject({ status: 200, body: { id: file.id, resident_printer: null, num_bytes: 7 } });
  });

  async function insertCloudFile(userId: number) {
    const row = { userId, filename: "My Cube.gcode", safeFilename: "My_Cube.gcode", numBytes: 7 };
    const [file] = await db
      .insert(gCodeFiles)
      .values({ ...row, createdAt: 1, updatedAt: 1 })
      .returning();
    if (file === undefined) throw new Error("no file");
    return file;
  }

  test("[A37] PATCH knows the account's files in the cloud and on this printer, no others", async () => {
    const { account, token } = await makeOwned();
    const signature = form([["agent_signature", "ts:1"]]);
    const own = await reported(token, CUBE);
    expect((await agentCall("PATCH", `${FILES}${own.body.id}/`, token, signature)).status).toBe(200);
    const neighbour = await makePrinterOf(account);
    const foreign = await makeOwned();
    for (const other of [neighbour.auth_token, foreign.token]) {
      const file = await reported(other, CUBE);
      expect((await agentCall("PATCH", `${FILES}${file.body.id}/`, token, signature)).status).toBe(404);
    }
    const strange = await insertCloudFile(foreign.account.userId);
    for (const id of [strange.id, 0, -1, "x", "1e3", "99999999999999999"]) {
      const { status, body } = await agentCall("PATCH", `${FILES}${id}/`, token, signature);
      expect([status, body.detail]).toEqual([404, "No GCodeFile matches the given query."]);
    }
  });

  const SENT: [sent: string, kept: string][] = [
    ["../config/printer.cfg", "___config_printer.cfg"],
    ["My Cube (1).gcode", "My_Cube__1_.gcode"],
    [`${"ö".repeat(250)}.gcode`, expect.stringMatching(/^ö{85,}_\w+\.gcode$/)],
  ];

  test.each(SENT)(
    "[G31] %j of an agent is kept as a safe name, and its file is found again by it",
    async (sent, kept) => {
      const { token } = await makeOwned();
      const file = { filename: "x", safe_filename: sent, agent_signature: "ts:1", num_bytes: 3 };
      const made = await agentCall("POST", FILES, token, { body: file });
      expect(made).toMatchObject({ status: 201, body: { safe_filename: kept } });
      const edited = await agentCall("PATCH", `${FILES}${made.body.id}/`, token, {
        body: { safe_filename: `${sent}2` },
      });
      expect(edited.body.safe_filename).toMatch(/^[\p{L}\p{N}_.]{1,200}$/u);
      const again = await agentCall("POST", FILES, token, { body: { ...file, safe_filename: `${sent}2` } });
      expect([again.status, again.body.id]).toEqual([200, made.body.id]);
    },
  );

  test.each(SENT)("[G31] a cloud file keeps its own safe name, though its copy is called %j", async (sent) => {
    const { account, token } = await makeOwned();
    const file = await insertCloudFile(account.userId);
    const neighbour = await makePrinterOf(account);
    const signed = { safe_filename: sent, agent_signature: "ts:7" };
    expect((await agentCall("PATCH", `${FILES}${file.id}/`, token, { body: signed })).status).toBe(200);
    const shown = await call("GET", `/api/v1/g_code_files/${file.id}/`, { token: account.token });
    expect(shown.body.safe_filename).toBe("My_Cube.gcode");
    const report = (agent: string) => agentCall("POST", FILES, agent, { body: { filename: "x", ...signed } });
    const [own, others] = [await report(token), await report(neighbour.auth_token)];
    expect([own.status, own.body.id, others.status]).toEqual([200, file.id, 201]);
  });

  test("[G31] records from before names were made safe are found by what their agent says", async () => {
    const { account, printer, token } = await makeOwned();
    const file = await insertCloudFile(account.userId);
    const said = { safeFilename: "My Cube (1).gcode", agentSignature: "ts:9" };
    await db.insert(gCodeCopies).values({ ...said, printerId: printer.id, gCodeFileId: file.id });
    const found = await agentCall("POST", FILES, token, {
      body: { filename: "x", safe_filename: said.safeFilename, agent_signature: "ts:9" },
    });
    expect([found.status, found.body.id]).toEqual([200, file.id]);
  });

  test("[A38] what is missing or no number is 400; what is blank is unknown, and the record is made", async () => {
    const { token } = await makeOwned();
    const refused = await reported(token, [["num_bytes", "1.5"]]);
    expect([refused.status, Object.keys(refused.body.errors)]).toEqual([400, ["filename", "num_bytes"]]);
    const bare = await agentCall("POST", FILES, token, { body: { filename: "Ünï côde (1).gcode" } });
    expect(bare).toMatchObject({ status: 201, body: { safe_filename: "Ünï_côde__1_.gcode", num_bytes: null } });
    const blank = await reported(token, [
      ["filename", "a.gcode"],
      ["agent_signature", ""],
      ["url", ""],
    ]);
    expect(blank).toMatchObject({ status: 201, body: { agent_signature: null, url: null } });
  });

  test("[L6] [O19] the current print shows its record: none for an unknown id, a foreign one, or no id at all", async () => {
    const { account, printer, token } = await makeOwned();
    const agent = await connectAgentOf(printer);
    const own = await reported(token, CUBE);
    const neighbours = await reported((await makePrinterOf(account)).auth_token, CUBE);
    const foreign = await reported((await makeOwned()).token, CUBE);
    const shown: unknown[] = [];
    const ids = [own.body.id, neighbours.body.id, own.body.id, foreign.body.id, 2 ** 40, "7", null, own.body.id];
    for (const id of ids) {
      const said = frame({ ts: T });
      const file = { name: "hook.gcode", obico_g_code_file_id: id };
      agent.send({ ...said, status: { ...(said.status as object), job: { file } } });
      await agent.settled();
      shown.push(await fileShown(account.token, printer.id));
    }
    const { id } = own.body;
    expect(shown).toEqual([id, null, id, null, null, null, null, id]);
  });

  async function fileShown(token: string, printerId: number) {
    await projected(printerId);
    const { body } = await call("GET", `/api/v1/printers/${printerId}/`, { token });
    expect(body.current_print).not.toBeNull();
    return body.current_print.g_code_file?.id ?? null;
  }

  test("[H56] a report costs one round trip to D1", async () => {
    const { account, printer } = await makeOwned();
    const metered = meter(env.DB);
    const report = { userId: account.userId, printerId: printer.id, filename: "a", safeFilename: "a", url: null };
    const file = { ...report, agentSignature: "ts:1", numBytes: 1 };
    await findOrInsertGCodeFile(connect(metered.database), file, 1);
    expect(metered.take().roundTrips).toBe(1);
    await findOrInsertGCodeFile(connect(metered.database), file, 2);
    expect(metered.take()).toEqual({ roundTrips: 1, rowsWritten: 0 });
  });
});

describe("pictures", () => {
  test.each(["moonraker", "octoprint"] as const)("[A31] %s's pictures are taken as recorded", async (dialect) => {
    const { token } = await makeOwned();
    const boosts = callsOf(RECORDINGS[dialect]).filter(({ path }) => path === PICTURES);
    for (const one of [boosts[0], boosts.at(-1)]) {
      if (one === undefined) throw new Error("no picture");
      expect(await repeat(one, token)).toMatchObject({ status: 200, body: { result: "ok" } });
    }
  });

  test("[A31] a picture of seven million bytes, as Moonraker's may be; more than 8 MiB are 413", async () => {
    const { token } = await makeOwned();
    expect((await agentCall("POST", PICTURES, token, multipart([], "pic", picture(7_000_000)))).status).toBe(200);
    expect((await agentCall("POST", PICTURES, token, multipart([], "pic", picture(8 * 1024 * 1024)))).status).toBe(413);
  });

  const text = new TextEncoder();
  const table: [title: string, fields: Fields, name: string, file: Uint8Array, status: number][] = [
    ["no JPEG", [], "pic", text.encode("hello"), 400],
    ["nothing in it", [], "pic", new Uint8Array(), 400],
    ["under another name", [], "image", picture(99), 400],
    ["of the primary camera, no JPEG", [["is_primary_camera", "TRUE"]], "pic", text.encode("hello"), 400],
    ["of another camera, whatever it is", [["is_primary_camera", "False"]], "pic", text.encode("hello"), 200],
  ];

  test.each(table)("[A32] a picture: %s", async (_title, fields, name, file, status) => {
    const { token } = await makeOwned();
    const answer = await agentCall("POST", PICTURES, token, multipart(fields, name, file));
    expect(answer.status).toBe(status);
    if (status === 400) expect(Object.keys(answer.body.errors)).toEqual([name]);
  });

  test("[A32] pictures come as multipart only", async () => {
    const { token } = await makeOwned();
    for (const options of [{}, { body: {} }, form([["pic", "x"]]), { raw: picture(9) }]) {
      expect((await agentCall("POST", PICTURES, token, options)).status).toBe(415);
    }
    const cut = multipart([], "pic", picture(99));
    expect((await agentCall("POST", PICTURES, token, { ...cut, raw: cut.raw.slice(0, 40) })).status).toBe(400);
  });
});

/** G-code records over REST: files in the cloud, and what printers' agents reported. */
import { Hono } from "hono";
import * as z from "zod";
import { connect } from "../../db/client.ts";
import { deleteGCodeFiles, editGCodeFile, hasGCodeFile, moveGCodeFiles } from "../../db/g-code-file-edits.ts";
import { FILE_SORTINGS, type FileSelection, findGCodeFile, listGCodeFiles } from "../../db/g-code-list.ts";
import { notFound } from "../../domain/failure.ts";
import { ReadFileJson, readFileJson, WrittenFileJson, writtenFileJson } from "../json/g-code-record.ts";
import { COMMAND_HEADERS } from "../kit/command-call.ts";
import type { AdmittedContext, HttpEnv } from "../kit/context.ts";
import { FailureError, orNotFound } from "../kit/errors.ts";
import { choiceField, freeTextField, idField, idsField } from "../kit/fields.ts";
import { envelope, inEnvelope, numberedPage, numberedPageFields } from "../kit/numbered-page.ts";
import { publicUrl } from "../kit/origin.ts";
import { postOnly, route } from "../kit/route.ts";
import { pathId } from "../kit/validate.ts";
import { gCodeNameField, noParent, parentField, SEARCH, targetField } from "./fields.ts";
import { receiveUpload, UploadForm } from "./upload.ts";
import { printUpload, UploadedFileJson } from "./upload-print.ts";

const TEXT_CODE_POINTS = 1000;

const FileListQuery = z.object({
  ...numberedPageFields,
  sorting: choiceField(FILE_SORTINGS).default("created_at_desc"),
  q: freeTextField(TEXT_CODE_POINTS).default("").describe(SEARCH),
  parent_folder: parentField.describe("A folder's id; `null` or nothing: the root. Wherever, without the key."),
  resident_printer: idField().optional().describe("Files on that printer; those in the cloud without the key."),
  safe_filename: freeTextField(TEXT_CODE_POINTS).optional(),
  agent_signature: freeTextField(TEXT_CODE_POINTS).optional(),
});

function selectionOf(userId: number, query: z.output<typeof FileListQuery>): FileSelection {
  return {
    userId,
    residentPrinterId: query.resident_printer ?? null,
    parentFolderId: query.parent_folder,
    contains: query.q === "" ? null : query.q,
    safeFilename: query.safe_filename ?? null,
    agentSignature: query.agent_signature ?? null,
    sorting: query.sorting,
  };
}

const list = route(
  {
    method: "GET",
    path: "/api/v1/g_code_files",
    summary: "List G-code files",
    description: "Those in the cloud, unless a printer is named.",
    access: "read",
    query: FileListQuery,
    fails: [404],
    answers: { 200: envelope(ReadFileJson) },
  },
  async (c) => {
    const query = c.req.valid("query");
    const page = numberedPage(query);
    const selection = selectionOf(c.get("caller").userId, query);
    const { count, files } = await listGCodeFiles(connect(c.env.DB), selection, page, Date.now());
    const results = await Promise.all(files.map((file) => readFileJson(c, file)));
    return c.json(inEnvelope(c, page, count, results), 200);
  },
);

const create = route(
  {
    method: "POST",
    path: "/api/v1/g_code_files",
    summary: "Upload a G-code file",
    description:
      "With `print` it is kept first, then printed: a command that was refused says why, and the file stays.",
    access: "write",
    stream: UploadForm,
    headers: { Prefer: COMMAND_HEADERS.Prefer },
    sets: { Location: "The record's URL." },
    answers: { 201: UploadedFileJson },
  },
  async (c) => {
    const caller = c.get("caller");
    const { file, printer } = await receiveUpload(c, caller.userId, c.get("keyUse"));
    c.header("Location", publicUrl(c, `/api/v1/g_code_files/${file.id}/`));
    const printed = printer === null ? {} : await printUpload(c, file, { caller, printer });
    return c.json({ ...(await writtenFileJson(c, file)), ...printed }, 201);
  },
);

const read = route(
  {
    method: "GET",
    path: "/api/v1/g_code_files/:fileId",
    summary: "Read a G-code file's record",
    description: "Deleted ones too.",
    access: "read",
    answers: { 200: ReadFileJson },
  },
  async (c) => {
    const id = pathId(c, "fileId", "GCodeFile");
    const found = await findGCodeFile(connect(c.env.DB), c.get("caller").userId, id, Date.now());
    return c.json(await readFileJson(c, orNotFound(found, "GCodeFile")), 200);
  },
);

async function found(c: AdmittedContext): Promise<{ userId: number; id: number }> {
  const { userId } = c.var.caller;
  const id = pathId(c, "fileId", "GCodeFile");
  if (!(await hasGCodeFile(connect(c.env.DB), userId, id))) throw new FailureError(notFound("GCodeFile"));
  return { userId, id };
}

const patch = route(
  {
    method: "PATCH",
    path: "/api/v1/g_code_files/:fileId",
    summary: "Rename or move a G-code file",
    access: "write",
    find: found,
    body: z.object({ filename: gCodeNameField.optional(), parent_folder: parentField }),
    answers: { 200: WrittenFileJson },
  },
  async (c) => {
    const { filename, parent_folder: parentFolderId } = c.req.valid("json");
    const file = await editGCodeFile(connect(c.env.DB), c.get("found"), { filename, parentFolderId }, Date.now());
    if (file === "no_parent") throw noParent();
    return c.json(await writtenFileJson(c, orNotFound(file, "GCodeFile")), 200);
  },
);

const remove = route(
  {
    method: "DELETE",
    path: "/api/v1/g_code_files/:fileId",
    summary: "Delete a G-code file",
    description: "Its record stays readable for its prints; its content is erased.",
    access: "write",
    answers: { 200: null },
  },
  async (c) => {
    const ids = [pathId(c, "fileId", "GCodeFile")];
    const count = await deleteGCodeFiles(connect(c.env.DB), c.get("caller").userId, ids, Date.now());
    if (count === 0) throw new FailureError(notFound("GCodeFile"));
    return c.body(null, 200);
  },
);

const removeMany = route(
  {
    method: "POST",
    path: "/api/v1/g_code_files/bulk_delete",
    summary: "Delete G-code files",
    description: "Ids that the account does not have are ignored.",
    access: "write",
    body: z.object({ file_ids: idsField() }),
    answers: { 204: null },
  },
  async (c) => {
    await deleteGCodeFiles(connect(c.env.DB), c.get("caller").userId, c.req.valid("json").file_ids, Date.now());
    return c.body(null, 204);
  },
);

const moveMany = route(
  {
    method: "POST",
    path: "/api/v1/g_code_files/bulk_move",
    summary: "Move G-code files into a folder",
    description: "Ids that the account does not have are ignored.",
    access: "write",
    body: z.object({ file_ids: idsField(), parent_folder: targetField }),
    answers: { 204: null },
  },
  async (c) => {
    const { file_ids: ids, parent_folder: parentFolderId } = c.req.valid("json");
    const { userId } = c.get("caller");
    if (!(await moveGCodeFiles(connect(c.env.DB), userId, ids, parentFolderId, Date.now()))) throw noParent();
    return c.body(null, 204);
  },
);

export const gCodeFiles = new Hono<HttpEnv>()
  .on(...list)
  .on(...create)
  .on(...removeMany)
  .on(...postOnly("/api/v1/g_code_files/bulk_delete"))
  .on(...moveMany)
  .on(...postOnly("/api/v1/g_code_files/bulk_move"))
  .on(...read)
  .on(...patch)
  .on(...remove);

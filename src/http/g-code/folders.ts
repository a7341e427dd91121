/** Folders of cloud files over REST. */
import { Hono } from "hono";
import * as z from "zod";
import { connect } from "../../db/client.ts";
import { deleteGCodeFolders, editGCodeFolder, moveGCodeFolders } from "../../db/g-code-folder-edits.ts";
import {
  FOLDER_SORTINGS,
  type FolderRefusal,
  findGCodeFolder,
  type GCodeFolder,
  insertGCodeFolder,
  listGCodeFolders,
} from "../../db/g-code-folders.ts";
import { invalid } from "../../domain/failure.ts";
import { GCodeFolderJson, gCodeFolderJson } from "../json/g-code-folder.ts";
import type { AdmittedContext, HttpEnv } from "../kit/context.ts";
import { FailureError, orNotFound } from "../kit/errors.ts";
import { choiceField, freeTextField, idsField } from "../kit/fields.ts";
import { madeOnce } from "../kit/idempotency.ts";
import { envelope, inEnvelope, numberedPage, numberedPageFields } from "../kit/numbered-page.ts";
import { publicUrl } from "../kit/origin.ts";
import { postOnly, route } from "../kit/route.ts";
import { pathId } from "../kit/validate.ts";
import { gCodeNameField, noParent, parentField, SEARCH, targetField } from "./fields.ts";

const list = route(
  {
    method: "GET",
    path: "/api/v1/g_code_folders",
    summary: "List G-code folders",
    access: "read",
    query: z.object({
      ...numberedPageFields,
      sorting: choiceField(FOLDER_SORTINGS).default("created_at_desc"),
      q: freeTextField(1000).default("").describe(SEARCH),
      parent_folder: parentField.describe("A folder's id; `null` or nothing: the root. Wherever, without the key."),
    }),
    fails: [404],
    answers: { 200: envelope(GCodeFolderJson) },
  },
  async (c) => {
    const query = c.req.valid("query");
    const page = numberedPage(query);
    const { sorting, parent_folder: parentFolderId } = query;
    const contains = query.q === "" ? null : query.q;
    const selection = { userId: c.get("caller").userId, sorting, parentFolderId, contains };
    const { count, folders } = await listGCodeFolders(connect(c.env.DB), selection, page);
    return c.json(inEnvelope(c, page, count, folders.map(gCodeFolderJson)), 200);
  },
);

const create = route(
  {
    method: "POST",
    path: "/api/v1/g_code_folders",
    summary: "Make a G-code folder",
    access: "write",
    body: z.object({ name: gCodeNameField, parent_folder: parentField }),
    sets: { Location: "The folder's path." },
    answers: { 201: GCodeFolderJson },
  },
  async (c) => {
    const { name, parent_folder: parentFolderId = null } = c.req.valid("json");
    const folder = { userId: c.get("caller").userId, name, parentFolderId };
    const db = connect(c.env.DB);
    const once = await insertGCodeFolder(db, folder, c.get("keyUse"), Date.now());
    const made = allowed(await madeOnce(c, once, ({ madeId }) => findGCodeFolder(db, folder.userId, madeId)));
    c.header("Location", publicUrl(c, `/api/v1/g_code_folders/${made.id}/`));
    return c.json(gCodeFolderJson(made), 201);
  },
);

function refusal(reason: FolderRefusal): FailureError {
  switch (reason) {
    case "no_parent":
      return noParent();
    case "cycle":
      return new FailureError(invalid("parent_folder", "A folder cannot lie in itself."));
    case "name_taken":
      return new FailureError(invalid("name", "Already existed."));
  }
}

function allowed<T extends object | undefined | null>(result: T | FolderRefusal): T {
  if (typeof result === "string") throw refusal(result);
  return result;
}

async function found(c: AdmittedContext): Promise<GCodeFolder> {
  const id = pathId(c, "folderId", "GCodeFolder");
  return orNotFound(await findGCodeFolder(connect(c.env.DB), c.var.caller.userId, id), "GCodeFolder");
}

const read = route(
  {
    method: "GET",
    path: "/api/v1/g_code_folders/:folderId",
    summary: "Read a G-code folder",
    access: "read",
    find: found,
    answers: { 200: GCodeFolderJson },
  },
  (c) => c.json(gCodeFolderJson(c.get("found")), 200),
);

const patch = route(
  {
    method: "PATCH",
    path: "/api/v1/g_code_folders/:folderId",
    summary: "Rename or move a G-code folder",
    access: "write",
    find: found,
    body: z.object({ name: gCodeNameField.optional(), parent_folder: parentField }),
    answers: { 200: GCodeFolderJson },
  },
  async (c) => {
    const { name, parent_folder: parentFolderId } = c.req.valid("json");
    const folder = allowed(
      await editGCodeFolder(connect(c.env.DB), c.get("found"), { name, parentFolderId }, Date.now()),
    );
    return c.json(gCodeFolderJson(orNotFound(folder, "GCodeFolder")), 200);
  },
);

const remove = route(
  {
    method: "DELETE",
    path: "/api/v1/g_code_folders/:folderId",
    summary: "Delete a G-code folder with all that lies in it",
    access: "write",
    find: found,
    answers: { 200: null },
  },
  async (c) => {
    const { userId, id } = c.get("found");
    await deleteGCodeFolders(connect(c.env.DB), userId, [id], Date.now());
    return c.body(null, 200);
  },
);

const removeMany = route(
  {
    method: "POST",
    path: "/api/v1/g_code_folders/bulk_delete",
    summary: "Delete G-code folders with all that lies in them",
    description: "Ids that the account does not have are ignored.",
    access: "write",
    body: z.object({ folder_ids: idsField() }),
    answers: { 204: null },
  },
  async (c) => {
    await deleteGCodeFolders(connect(c.env.DB), c.get("caller").userId, c.req.valid("json").folder_ids, Date.now());
    return c.body(null, 204);
  },
);

const moveMany = route(
  {
    method: "POST",
    path: "/api/v1/g_code_folders/bulk_move",
    summary: "Move G-code folders into another",
    description: "All or none; ids that the account does not have are ignored.",
    access: "write",
    body: z.object({ folder_ids: idsField(), parent_folder: targetField }),
    answers: { 204: null },
  },
  async (c) => {
    const { folder_ids: ids, parent_folder: parentFolderId = null } = c.req.valid("json");
    const { userId } = c.get("caller");
    allowed(await moveGCodeFolders(connect(c.env.DB), userId, ids, parentFolderId, Date.now()));
    return c.body(null, 204);
  },
);

export const gCodeFolders = new Hono<HttpEnv>()
  .on(...list)
  .on(...create)
  .on(...removeMany)
  .on(...postOnly("/api/v1/g_code_folders/bulk_delete"))
  .on(...moveMany)
  .on(...postOnly("/api/v1/g_code_folders/bulk_move"))
  .on(...read)
  .on(...patch)
  .on(...remove);

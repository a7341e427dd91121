/** A cloud file's content, to whoever has its signed URL. Whatever is wrong with the URL, there is no such file. */
import { Hono } from "hono";
import { opensFile } from "../../credentials/file-token.ts";
import { connect } from "../../db/client.ts";
import { findCloudFile } from "../../db/g-code-uploads.ts";
import { notFound } from "../../domain/failure.ts";
import type { HttpEnv } from "../kit/context.ts";
import { FailureError } from "../kit/errors.ts";
import { pathId } from "../kit/validate.ts";
import { reachStore } from "./object.ts";

export const gCodeDownload = new Hono<HttpEnv>().get("/files/:fileId/:name", async (c) => {
  const id = pathId(c, "fileId", "GCodeFile");
  const isOpen = await opensFile(c.req.query("token") ?? "", id, c.var.settings.agentKeys, Date.now());
  const file = isOpen ? await findCloudFile(connect(c.env.DB), id) : undefined;
  const key = file?.objectKey ?? null;
  const object = key === null ? null : await reachStore(c, () => c.env.GCODE.get(key));
  if (file === undefined || object === null) throw new FailureError(notFound("GCodeFile"));
  return c.newResponse(object.body, 200, {
    // Not a type of text: the edge would compress it and drop the length.
    "Content-Type": "application/octet-stream",
    "Content-Length": String(object.size),
    "Content-Disposition": `attachment; filename*=UTF-8''${encodeURIComponent(file.safeFilename)}`,
    "Cache-Control": "private, no-store",
  });
});

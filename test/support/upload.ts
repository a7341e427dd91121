/** Uploads as browsers send them, and what R2 holds of an account. */
import { env } from "cloudflare:workers";
import { type Account, type Answer, call } from "./api.ts";

export const GCODE_TEXT = "; a hook\nG28\nG1 X10 Y10 F3000\n";

export interface UploadOptions {
  readonly filename?: string;
  readonly content?: string | Uint8Array<ArrayBuffer> | null;
  readonly parent?: string;
}

export function upload({ token }: Account, options: UploadOptions = {}): Promise<Answer> {
  const { filename = "hook v2.gcode", content = GCODE_TEXT, parent } = options;
  const form = new FormData();
  form.set("filename", filename);
  if (parent !== undefined) form.set("parent_folder", parent);
  if (content !== null) form.set("file", new File([content], "whatever.gcode"));
  return call("POST", "/api/v1/g_code_files/", { token, raw: form });
}

/** A file in the cloud, made over REST. */
export async function uploaded(account: Account, options: UploadOptions = {}) {
  const { status, body } = await upload(account, options);
  if (status !== 201) throw new Error(`no file: ${status} ${JSON.stringify(body)}`);
  return body as { readonly id: number; readonly url: string; readonly safe_filename: string };
}

export async function objectsOf({ userId }: Account): Promise<R2Object[]> {
  return (await env.GCODE.list({ prefix: `${userId}/` })).objects;
}

/** The new folder's id. */
export async function makeFolder({ token }: Account, name: string, parent: number | null = null): Promise<number> {
  const { status, body } = await call("POST", "/api/v1/g_code_folders/", {
    token,
    body: { name, parent_folder: parent },
  });
  if (status !== 201) throw new Error(`no folder: ${status} ${JSON.stringify(body)}`);
  return body.id;
}

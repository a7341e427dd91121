/** An upload, read as it comes: the file goes to R2 while the rest of the form is still on its way. */
import * as z from "zod";
import { StreamDigest } from "../../credentials/digest.ts";
import { connect } from "../../db/client.ts";
import type { GCodeFile } from "../../db/g-code-files.ts";
import { findCloudFile, insertCloudFile, insertUpload } from "../../db/g-code-uploads.ts";
import type { KeyUse } from "../../db/idempotency.ts";
import { type Failure, invalid } from "../../domain/failure.ts";
import { FILE_BYTES_MAX } from "../../domain/g-code.ts";
import { BODY_BYTES, chunksOf, MEDIA_TYPES, mediaTypeOf, NO_FILE } from "../kit/body.ts";
import { refusalOf } from "../kit/charset.ts";
import type { HttpContext } from "../kit/context.ts";
import { FailureError } from "../kit/errors.ts";
import { madeOnce, withMore } from "../kit/idempotency.ts";
import { boundaryOf, MultipartReader, type PartHead, type Piece } from "../kit/multipart.ts";
import { TextParts } from "../kit/text-parts.ts";
import { parsed } from "../kit/validate.ts";
import { gCodeNameField, noParent, parentField } from "./fields.ts";
import { ObjectWriter } from "./object.ts";
import { TextCheck } from "./text-check.ts";

export const UploadForm = z.object({
  filename: gCodeNameField,
  parent_folder: parentField,
  file: z.file().optional().describe("Text, 50 MiB at most. A record without it has no content."),
});

const UploadFields = UploadForm.omit({ file: true });

const FORM_BYTES_MAX = FILE_BYTES_MAX + BODY_BYTES;
const TOO_LARGE = { code: "too_large", limitBytes: FILE_BYTES_MAX, what: "file" } as const satisfies Failure;
const NO_FORM = invalid("non_field_errors", "The body is not a multipart form.");
const NO_TEXT = invalid("file", "Invalid G-code file. Please upload a valid text G-code file.");
const EMPTY = invalid("file", "The submitted file is empty.");

/**
 * A new cloud file of that account, or the one that an earlier upload with the key made; if there is none, nothing of the upload
 * is left ([G4]), also when its client hangs up.
 */
export function receiveUpload(c: HttpContext, userId: number, key: KeyUse | null): Promise<GCodeFile> {
  const received = readAndKeep(c, userId, key);
  // With its client a call ends, but for what is waited for.
  c.executionCtx.waitUntil(received.catch(() => undefined));
  return received;
}

async function readAndKeep(c: HttpContext, userId: number, key: KeyUse | null): Promise<GCodeFile> {
  const form = new UploadReader(c, userId, key);
  try {
    await form.read();
    return await form.keep();
  } catch (error) {
    await form.content?.drop();
    throw error;
  }
}

class UploadReader {
  content: ObjectWriter | null = null;
  readonly #c: HttpContext;
  readonly #userId: number;
  readonly #key: KeyUse | null;
  /** Of the content, where a key compares it with that of an earlier upload. */
  readonly #digest: StreamDigest | null;
  readonly #check = new TextCheck();
  readonly #texts = new TextParts();
  /** Bytes of everything but the file's. */
  #otherBytes = 0;
  #isFile = false;

  constructor(c: HttpContext, userId: number, key: KeyUse | null) {
    this.#c = c;
    this.#userId = userId;
    this.#key = key;
    this.#digest = key && new StreamDigest();
  }

  /**
   * 415, 413 or 400. A form that is refused is read to its end all the same, within the bounds: a client that is still
   * sending would see a broken connection instead of the reason.
   */
  async read(): Promise<void> {
    const reader = new MultipartReader(this.#boundary());
    if (Number(this.#c.req.header("Content-Length") ?? 0) > FORM_BYTES_MAX) throw new FailureError(TOO_LARGE);
    let refusal: FailureError | null = null;
    let bytes = 0;
    for await (const chunk of chunksOf(this.#c.req.raw)) {
      bytes += chunk.byteLength;
      if (bytes > FORM_BYTES_MAX) throw new FailureError(TOO_LARGE);
      refusal ??= await this.#takeAll(reader, chunk);
    }
    if (refusal !== null) throw refusal;
    if (!reader.isDone) throw new FailureError(NO_FORM);
  }

  /** Why the form is refused; null as long as it is not. */
  async #takeAll(reader: MultipartReader, chunk: Uint8Array): Promise<FailureError | null> {
    try {
      const before = this.content?.sizeBytes ?? 0;
      for (const piece of reader.push(chunk)) await this.#take(piece);
      this.#otherBytes += chunk.byteLength - ((this.content?.sizeBytes ?? 0) - before);
    } catch (error) {
      if (error instanceof FailureError) return error;
      throw error;
    }
    if (this.#otherBytes > BODY_BYTES) return new FailureError(TOO_LARGE);
    return reader.isBroken ? new FailureError(NO_FORM) : null;
  }

  /** Judges the form as a whole, then makes object and record. */
  async keep(): Promise<GCodeFile> {
    const fields = this.#fields();
    const { filename, parent_folder: parentFolderId = null } = fields;
    const { content } = this;
    if (content !== null && content.sizeBytes === 0) throw new FailureError(EMPTY);
    if (content !== null && !this.#check.end()) throw new FailureError(NO_TEXT);
    const db = connect(this.#c.env.DB);
    const owner = { userId: this.#userId, parentFolderId };
    if (content !== null && !(await insertUpload(db, content.key, owner, Date.now()))) throw noParent();
    await content?.end();
    const object = { objectKey: content?.key ?? null, numBytes: content?.sizeBytes ?? null };
    const use = await withMore(this.#key, [fields, content && (await this.#digest?.end())]);
    const row = { ...owner, ...object, filename };
    const once = await insertCloudFile(db, row, use, Date.now());
    // An object without a file is erased with those of uploads that never ended; at once, where an earlier upload made the file.
    if (once.earlier !== null) await content?.erase();
    const file = await madeOnce(this.#c, once, ({ madeId: id }) => findCloudFile(db, { id, userId: this.#userId }));
    if (file === undefined) throw noParent();
    return file;
  }

  #boundary(): string {
    const mediaType = mediaTypeOf(this.#c);
    if (mediaType !== MEDIA_TYPES.multipart) throw new FailureError({ code: "unsupported_media_type", mediaType });
    const boundary = boundaryOf(this.#c.req.header("Content-Type") ?? "");
    if (boundary === null) throw new FailureError(NO_FORM);
    return boundary;
  }

  #fields(): z.output<typeof UploadFields> {
    const texts = this.#texts.read(this.#c.req.header("Content-Type") ?? "");
    return parsed(UploadFields.safeParse(Object.fromEntries(texts)));
  }

  async #take(piece: Piece): Promise<void> {
    if ("head" in piece) return this.#begin(piece.head);
    if (this.#isFile) return this.#takeContent(piece.bytes);
    this.#texts.push(piece.bytes);
  }

  #begin(head: PartHead): void {
    this.#isFile = head.name === "file";
    if (!this.#isFile) {
      if (head.fileName !== null) throw refusalOf(head.name, NO_FILE);
      this.#texts.begin(head);
      return;
    }
    if (this.content !== null) throw new FailureError(invalid("file", "One file is expected."));
    this.content = new ObjectWriter(this.#c, `${this.#userId}/${crypto.randomUUID()}`);
  }

  async #takeContent(bytes: Uint8Array): Promise<void> {
    if ((this.content?.sizeBytes ?? 0) + bytes.length > FILE_BYTES_MAX) throw new FailureError(TOO_LARGE);
    this.#check.push(bytes);
    if (!this.#check.isText) throw new FailureError(NO_TEXT);
    await this.#digest?.write(bytes);
    await this.content?.write(bytes);
  }
}

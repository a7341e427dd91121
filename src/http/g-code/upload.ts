/** An upload, read as it comes: the file goes to R2 while the rest of the form is still on its way. */
import * as z from "zod";
import { StreamDigest } from "../../credentials/digest.ts";
import { connect } from "../../db/client.ts";
import type { GCodeFile } from "../../db/g-code-files.ts";
import { findOrInsertPath } from "../../db/g-code-path.ts";
import { findCloudFile, insertCloudFile, insertUpload } from "../../db/g-code-uploads.ts";
import type { KeyUse } from "../../db/idempotency.ts";
import { findActivePrinter } from "../../db/printers.ts";
import { type Failure, invalid } from "../../domain/failure.ts";
import { FILE_BYTES_MAX } from "../../domain/g-code.ts";
import { BODY_BYTES, chunksOf, MEDIA_TYPES, mediaTypeOf, NO_FILE } from "../kit/body.ts";
import { refusalOf } from "../kit/charset.ts";
import type { CommandParties } from "../kit/command-call.ts";
import type { HttpContext } from "../kit/context.ts";
import { FailureError } from "../kit/errors.ts";
import { booleanField, readText } from "../kit/fields.ts";
import { madeOnce, withMore } from "../kit/idempotency.ts";
import { boundaryOf, MultipartReader, type PartHead, type Piece } from "../kit/multipart.ts";
import { TextParts } from "../kit/text-parts.ts";
import { parsed } from "../kit/validate.ts";
import { gCodeNameField, noParent, parentField, pathField, printerField } from "./fields.ts";
import { ObjectWriter } from "./object.ts";
import { faultOfName, TextCheck } from "./text-check.ts";

export const UploadForm = z.object({
  print: booleanField().default(false).describe("Print it at once, on the printer of `printer_id`."),
  path: pathField.describe("Folders below `parent_folder`, made if absent: `Toys/Cars`."),
  printer_id: printerField.describe("Its id, or `Name [id]`, as OrcaSlicer writes it."),
  filename: gCodeNameField.optional().describe("Without it the file's own name counts."),
  parent_folder: parentField,
  file: z.file().optional().describe("Text, 50 MiB at most. A record without it has no content."),
});

const UploadFields = UploadForm.omit({ file: true }).extend({ filename: gCodeNameField });
type UploadFields = z.output<typeof UploadFields>;

const FORM_BYTES_MAX = FILE_BYTES_MAX + BODY_BYTES;
const TOO_LARGE = { code: "too_large", limitBytes: FILE_BYTES_MAX, what: "file" } as const satisfies Failure;
const NO_FORM = invalid("non_field_errors", "The body is not a multipart form.");
const EMPTY = invalid("file", "The submitted file is empty.");
const NEEDED = "This field is required to print.";

function noText(fault: string): FailureError {
  const cure = "please export it as plain text G-code (.gcode) and upload that.";
  return new FailureError(invalid("file", `Invalid G-code file. ${fault}: ${cure}`));
}

export interface Upload {
  readonly file: GCodeFile;
  /** Where it is to be printed; null: nowhere. */
  readonly printer: CommandParties["printer"] | null;
}

/**
 * A new cloud file of that account, or the one that an earlier upload with the key made; if there is none, nothing of the upload
 * is left ([G4]), also when its client hangs up.
 */
export function receiveUpload(c: HttpContext, userId: number, key: KeyUse | null): Promise<Upload> {
  const received = readAndKeep(c, userId, key);
  // With its client a call ends, but for what is waited for.
  c.executionCtx.waitUntil(received.catch(() => undefined));
  return received;
}

async function readAndKeep(c: HttpContext, userId: number, key: KeyUse | null): Promise<Upload> {
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
  /** The file's own. */
  #fileName = "";

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
  async keep(): Promise<Upload> {
    const fields = this.#fields();
    const { filename, parent_folder: parentFolderId = null, path: names, ...order } = fields;
    const { content } = this;
    if (content !== null) this.#judge(content, filename);
    const printer = order.print ? await this.#printer(order.printer_id) : null;
    const db = connect(this.#c.env.DB);
    const owner = { userId: this.#userId, parentFolderId };
    if (content !== null && !(await insertUpload(db, content.key, owner, Date.now()))) throw noParent();
    await content?.end();
    // Not before: a store that is down leaves no folder.
    const folder = await findOrInsertPath(db, { ...owner, names }, Date.now());
    if (folder === undefined) throw noParent();
    const object = { parentFolderId: folder, objectKey: content?.key ?? null, numBytes: content?.sizeBytes ?? null };
    const use = await withMore(this.#key, [fields, content && (await this.#digest?.end())]);
    const once = await insertCloudFile(db, { ...owner, ...object, filename }, use, Date.now());
    // An object without a file is erased with those of uploads that never ended; at once, where an earlier upload made the file.
    if (once.earlier !== null) await content?.erase();
    const file = await madeOnce(this.#c, once, ({ madeId }) => findCloudFile(db, madeId));
    if (file === undefined) throw noParent();
    return { file, printer };
  }

  #judge(content: ObjectWriter, filename: string): void {
    if (content.sizeBytes === 0) throw new FailureError(EMPTY);
    this.#check.end();
    const fault = faultOfName(filename) ?? this.#check.fault;
    if (fault !== null) throw noText(fault);
  }

  /** Asked for before anything is kept, so that a slicer hears of a wrong printer instead of an upload that prints nowhere. */
  async #printer(id: number | null = null): Promise<Upload["printer"]> {
    if (this.content === null) throw new FailureError(invalid("file", NEEDED));
    if (id === null) throw new FailureError(invalid("printer_id", NEEDED));
    const printer = await findActivePrinter(connect(this.#c.env.DB), this.#userId, id);
    if (printer === undefined) throw new FailureError(invalid("printer_id", "Printer does not exist"));
    return printer;
  }

  #boundary(): string {
    const mediaType = mediaTypeOf(this.#c);
    if (mediaType !== MEDIA_TYPES.multipart) throw new FailureError({ code: "unsupported_media_type", mediaType });
    const boundary = boundaryOf(this.#c.req.header("Content-Type") ?? "");
    if (boundary === null) throw new FailureError(NO_FORM);
    return boundary;
  }

  #fields(): UploadFields {
    const texts = this.#texts.read(this.#c.req.header("Content-Type") ?? "");
    const own = ownNameOf(this.#fileName);
    const given = { ...(own === "" ? {} : { filename: own }), ...Object.fromEntries(texts) };
    return parsed(UploadFields.safeParse(readText(UploadFields, given)));
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
    this.#fileName = head.fileName ?? "";
    this.content = new ObjectWriter(this.#c, `${this.#userId}/${crypto.randomUUID()}`);
  }

  async #takeContent(bytes: Uint8Array): Promise<void> {
    if ((this.content?.sizeBytes ?? 0) + bytes.length > FILE_BYTES_MAX) throw new FailureError(TOO_LARGE);
    this.#check.push(bytes);
    if (this.#check.fault !== null) throw noText(this.#check.fault);
    await this.#digest?.write(bytes);
    await this.content?.write(bytes);
  }
}

/** A file's name without the way to it on the sender's disk; browsers write some characters percent-encoded. */
function ownNameOf(fileName: string): string {
  return fileName.replace(/^.*[/\\]/s, "").replace(/%(?:22|0[AD])/gi, decodeURIComponent);
}

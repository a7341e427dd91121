/**
 * Objects in R2. A file is written in parts, as it comes: R2 takes a stream only with a known length, which a form does not
 * tell, and a Worker's 128 MB are too few to buffer several files of 50 MiB.
 */
import { UNAVAILABLE } from "../../domain/failure.ts";
import type { HttpContext } from "../kit/context.ts";
import { FailureError, logFailed } from "../kit/errors.ts";

/** R2's minimum for all parts but the last. */
const PART_BYTES = 5 * 1024 * 1024;

/** An outage of R2 is `unavailable`, as one of D1 is. */
export async function reachStore<T>(c: HttpContext, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    logFailed(c, error);
    throw new FailureError(UNAVAILABLE);
  }
}

export class ObjectWriter {
  readonly key: string;
  sizeBytes = 0;
  readonly #c: HttpContext;
  readonly #part = new Uint8Array(PART_BYTES);
  /** Bytes of the part that are not sent yet. */
  #held = 0;
  #upload: R2MultipartUpload | null = null;
  readonly #sent: R2UploadedPart[] = [];

  constructor(c: HttpContext, key: string) {
    this.#c = c;
    this.key = key;
  }

  /** Copies the bytes; waits while a full part is on its way. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      if (this.#held === PART_BYTES) await this.#send();
      const piece = bytes.subarray(at, at + PART_BYTES - this.#held);
      this.#part.set(piece, this.#held);
      this.#held += piece.length;
      at += piece.length;
    }
    this.sizeBytes += bytes.length;
  }

  /** Makes the object: until now there is none. */
  async end(): Promise<void> {
    const upload = this.#upload;
    if (upload === null) {
      await reachStore(this.#c, () => this.#c.env.GCODE.put(this.key, this.#part.subarray(0, this.#held)));
      return;
    }
    await this.#send();
    await reachStore(this.#c, () => upload.complete(this.#sent));
  }

  /** Best effort: R2 itself drops the parts of an upload that never ended after a week. */
  async drop(): Promise<void> {
    await this.#upload?.abort().catch(() => undefined);
  }

  /** After `end`; best effort, too. */
  async erase(): Promise<void> {
    await this.#c.env.GCODE.delete(this.key).catch(() => undefined);
  }

  async #send(): Promise<void> {
    await reachStore(this.#c, async () => {
      this.#upload ??= await this.#c.env.GCODE.createMultipartUpload(this.key);
      const part = this.#part.subarray(0, this.#held);
      this.#sent.push(await this.#upload.uploadPart(this.#sent.length + 1, part));
    });
    this.#held = 0;
  }
}

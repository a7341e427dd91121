/** Bytes as text, by the charset that counts for them: what is not valid in it is refused, never replaced ([H70]). */
import { invalid } from "../../domain/failure.ts";
import { FailureError } from "./errors.ts";

export const UTF8 = "utf-8";
const SHOWN_CHARACTERS = 100;

/** 415 for a label that the platform does not know (the Encoding Standard's are its own). */
export function textDecoder(label: string): TextDecoder {
  try {
    return new TextDecoder(label, { fatal: true, ignoreBOM: false });
  } catch {
    const mediaType = `charset=${label.slice(0, SHOWN_CHARACTERS)}`;
    throw new FailureError({ code: "unsupported_media_type", mediaType });
  }
}

/** The text of those pieces, one after the other; 400 under the field's name for bytes that are none of that charset. */
export function decodeText(decoder: TextDecoder, pieces: readonly Uint8Array[], field = "non_field_errors"): string {
  try {
    return pieces.map((bytes) => decoder.decode(bytes, { stream: true })).join("") + decoder.decode();
  } catch {
    throw refusalOf(field, `Its bytes are not valid in the charset ${decoder.encoding}.`);
  }
}

/** Null for what is no UTF-8. */
export function utf8Text(bytes: Uint8Array): string | null {
  try {
    return textDecoder(UTF8).decode(bytes);
  } catch {
    return null;
  }
}

/** 400 of a field that no schema knows: its name is the caller's, and may be long. */
export function refusalOf(field: string, sentence: string): FailureError {
  return new FailureError(invalid(field.slice(0, SHOWN_CHARACTERS), sentence));
}

/** One character a byte, so that text can be cut at ASCII characters before anybody decodes it. */
export function binaryText(bytes: Uint8Array): string {
  return new TextDecoder("x-user-defined").decode(bytes);
}

/** The bytes of such a text, with those that are percent-encoded in it. */
export function percentDecoded(binary: string): Uint8Array<ArrayBuffer> {
  const plain = binary.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  // An array of bytes keeps the low eight bits, which is what both kinds of characters stand for.
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}

/** Names and values of a query or a form, whose characters are bytes (or percent-encoded ones). */
export function readPairs(binary: string, decoder: TextDecoder): [name: string, value: string][] {
  return binary.split("&").flatMap((pair): [string, string][] => {
    if (pair === "") return [];
    const [encoded = "", ...rest] = pair.replaceAll("+", " ").split("=");
    const name = decodeText(decoder, [percentDecoded(encoded)]);
    return [[name, decodeText(decoder, [percentDecoded(rest.join("="))], name)]];
  });
}

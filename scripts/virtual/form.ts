/** Request bodies as python-requests writes them: forms, and multipart whose parts carry no Content-Type. */

export type Fields = readonly (readonly [name: string, value: string])[];

export interface Body {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

const utf8 = new TextEncoder();

export function formBody(fields: Fields): Body {
  const text = new URLSearchParams(fields.map(([name, value]): [string, string] => [name, value])).toString();
  return { contentType: "application/x-www-form-urlencoded", bytes: utf8.encode(text) };
}

/** `boundary`: 32 hexadecimal digits. The file's part and its file name are both called `fileName`. */
export function multipartBody(fields: Fields, fileName: string, file: Uint8Array, boundary: string): Body {
  const texts = fields.map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="${fileName}"; filename="${fileName}"\r\n\r\n`;
  const bytes = joined([utf8.encode(texts.join("") + head), file, utf8.encode(`\r\n--${boundary}--\r\n`)]);
  return { contentType: `multipart/form-data; boundary=${boundary}`, bytes };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

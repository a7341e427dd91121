/** Codes and passcodes from the platform's CSPRNG, without modulo bias. */
import { codeFrom, passcodeFrom } from "../../domain/linking.ts";

export const drawCode = () => draw(codeFrom);

export const drawPasscode = () => draw(passcodeFrom);

function draw(textFrom: (randomUint32: number) => string | null): string {
  for (;;) {
    const [bits = 0] = crypto.getRandomValues(new Uint32Array(1));
    const text = textFrom(bits);
    if (text !== null) return text;
  }
}

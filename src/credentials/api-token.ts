/** API tokens of people and programs (design 6): `plt_` and 256 random bits. Only their SHA-256 is ever stored. */

const PREFIX = "plt_";

export function isApiToken(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** A new token; it is shown once. */
export function drawApiToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return (
    PREFIX +
    btoa(String.fromCharCode(...bytes))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "")
  );
}

/** SHA-256, lower-case hex. */
export async function digest(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

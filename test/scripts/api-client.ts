/** REST calls of a test against a running server. */

export interface Answer<T = Printer> {
  readonly status: number;
  readonly body: T;
}

/** The part of a printer that the tests read. */
export interface Printer {
  readonly id: number;
  readonly name: string;
  readonly auth_token: string;
  readonly status: { readonly state: { readonly text: string } } | null;
  readonly current_print: { readonly id: number; readonly ended_at: string | null } | null;
  readonly presence: { readonly state: string };
}

export async function call<T = Printer>(
  server: { readonly url: string },
  token: string,
  method: string,
  path: string,
  body?: object,
): Promise<Answer<T>> {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const response = await fetch(server.url + path, {
    method,
    headers,
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: (text === "" ? null : JSON.parse(text)) as T }; // safe: asserted by the caller
}

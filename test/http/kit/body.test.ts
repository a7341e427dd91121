/** How often a body is parsed, from the call to what the handler gets. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { form, multipart } from "../../support/agent-calls.ts";
import { type CallOptions, makeAccount, makePrinterOf } from "../../support/api.ts";
import { callWith } from "../../support/worker.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const JPEG = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0);

describe("a body", () => {
  /** How often a body of that JSON text was parsed as JSON, or any body as a form. */
  function watch() {
    const json = vi.spyOn(JSON, "parse");
    const whole = vi.spyOn(Request.prototype, "json");
    const forms = [vi.spyOn(Response.prototype, "formData"), vi.spyOn(Request.prototype, "formData")];
    return (text: string) => ({
      json: json.mock.calls.filter(([parsed]) => parsed === text).length + whole.mock.calls.length,
      form: forms.reduce((sum, spy) => sum + spy.mock.calls.length, 0),
    });
  }

  async function makeCaller() {
    const account = await makeAccount();
    const { id, auth_token } = await makePrinterOf(account);
    const agent = { Authorization: `Token ${auth_token}` };
    return { token: account.token, path: `/api/v1/printers/${id}/`, agent };
  }

  async function sent(method: string, path: string, options: CallOptions) {
    const seen = watch();
    const { status } = await callWith({}, method, path, options);
    return { status, ...seen(JSON.stringify(options.body)) };
  }

  test("[H59] of JSON is parsed once", async () => {
    const { token, path } = await makeCaller();
    const body = { name: "Parsed once" };
    expect(await sent("PATCH", path, { token, body })).toEqual({ status: 200, json: 1, form: 0 });
  });

  test("[H59] of a form is parsed once", async () => {
    const { token, path } = await makeCaller();
    expect(await sent("PATCH", path, { token, ...form([["name", "x"]]) })).toEqual({ status: 200, json: 0, form: 1 });
  });

  test("[H59] with a picture is parsed once", async () => {
    const { agent } = await makeCaller();
    const { raw, headers } = multipart([], "pic", JPEG);
    const posted = await sent("POST", "/api/v1/octo/pic/", { raw, headers: { ...headers, ...agent } });
    expect(posted).toEqual({ status: 200, json: 0, form: 1 });
  });

  test("[H59] of a poll is parsed once", async () => {
    const body = { device_id: crypto.randomUUID() };
    expect(await sent("POST", "/api/v1/octo/unlinked/", { body })).toEqual({ status: 200, json: 1, form: 0 });
  });

  test.each([";", "; charset=utf-16", "; boundary=x; boundary=y", '; x="'])(
    "[H8] is no 500 with the parameters %s",
    async (parameters) => {
      const { token, path } = await makeCaller();
      for (const type of ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"]) {
        const headers = { "Content-Type": type + parameters };
        const { status } = await callWith({}, "PATCH", path, {
          token,
          raw: new TextEncoder().encode("name=x"),
          headers,
        });
        expect(status, type).toBeLessThan(500);
      }
    },
  );
});

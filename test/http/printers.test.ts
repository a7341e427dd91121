/** Printers over REST (wire 1 and 2). */
import { describe, expect, test } from "vitest";
import { call, makeAccount, makePrinterOf } from "../support/api.ts";

describe("a new printer", () => {
  test("[S40] has the 22 fields of A1, presence and detection, with the defaults", async () => {
    const { token } = await makeAccount();
    const { status, headers, body } = await call("POST", "/api/v1/printers/", {
      token,
      body: { name: " Bench \u{1F6E0} " },
    });
    expect(status).toBe(201);
    expect(headers.get("Location")).toBe(`/api/v1/printers/${body.id}/`);
    expect(body).toMatchObject({ name: "Bench \u{1F6E0}", status: null, presence: { state: "offline", since: null } });
  });

  test("[S40] is listed and read as it was made", async () => {
    const account = await makeAccount();
    const { id } = await makePrinterOf(account);
    const list = await call("GET", "/api/v1/printers", { token: account.token });
    expect(list.body.map((printer: { id: number }) => printer.id)).toEqual([id]);
  });
});

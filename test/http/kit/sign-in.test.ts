/** Sign-in by JWTs of the operator's identity provider, against a key set served by the test. */
import { and, eq } from "drizzle-orm";
import { afterEach, describe, expect, test, vi } from "vitest";
import { users } from "../../../src/db/schema/accounts.ts";
import { type Answer, call, makeAccount } from "../../support/api.ts";
import { breakDatabase } from "../../support/database.ts";
import { db } from "../../support/printer.ts";
import { callWith } from "../../support/worker.ts";

const ME = "/api/v1/users/me/";
const MINUTE = 60_000;

interface Signer {
  readonly kid: string;
  readonly alg: string;
  readonly jwk: JsonWebKey & { readonly kid: string };
  sign(data: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer>;
}

const KINDS = {
  RS256: {
    make: {
      name: "RSASSA-PKCS1-v1_5",
      modulusLength: 2048,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: "SHA-256",
    },
    sign: { name: "RSASSA-PKCS1-v1_5" },
  },
  PS256: {
    make: { name: "RSA-PSS", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" },
    sign: { name: "RSA-PSS", saltLength: 32 },
  },
  ES256: { make: { name: "ECDSA", namedCurve: "P-256" }, sign: { name: "ECDSA", hash: "SHA-256" } },
  EdDSA: { make: { name: "Ed25519" }, sign: { name: "Ed25519" } },
} as const;

async function makeSigner(alg: keyof typeof KINDS = "ES256", kid: string = crypto.randomUUID()): Promise<Signer> {
  const { make, sign } = KINDS[alg];
  const pair = await crypto.subtle.generateKey(make, true, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new Error("no pair");
  const exported = await crypto.subtle.exportKey("jwk", pair.publicKey);
  if (exported instanceof ArrayBuffer) throw new Error("no JWK");
  const { kty, n, e, crv, x, y } = exported;
  const jwk = JSON.parse(JSON.stringify({ kty, n, e, crv, x, y, kid }));
  return { kid, alg, jwk, sign: (data) => crypto.subtle.sign(sign, pair.privateKey, data) };
}

const encode = (bytes: ArrayBuffer | Uint8Array) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
const utf8 = (text: string) => new Uint8Array(new TextEncoder().encode(text));
const encodeJson = (value: unknown) => encode(utf8(JSON.stringify(value)));

async function sign(signer: Signer, claims: object, header: object = {}): Promise<string> {
  const head = encodeJson({ alg: signer.alg, kid: signer.kid, typ: "JWT", ...header });
  const signed = `${head}.${encodeJson(claims)}`;
  return `${signed}.${encode(await signer.sign(utf8(signed)))}`;
}

/** An identity provider of its own: its vars, and the key set that it serves. */
class Provider {
  readonly issuer = `https://id-${crypto.randomUUID()}.test/`;
  readonly url = `${this.issuer}keys`;
  readonly vars = { JWT_ISSUER: this.issuer, JWT_AUDIENCE: "platen", JWT_JWKS_URL: this.url };
  fetches = 0;
  answer: () => Response = () => Response.json({ keys: [] });

  constructor() {
    vi.stubGlobal("fetch", async (url: string) => {
      if (url !== this.url) throw new Error(`the test serves no ${url}`);
      this.fetches += 1;
      return this.answer();
    });
  }

  serve(...signers: readonly Signer[]): void {
    this.answer = () => Response.json({ keys: signers.map(({ jwk }) => jwk) });
  }

  claims(patch: object = {}): object {
    const exp = Math.floor(Date.now() / 1000) + 300;
    return { iss: this.issuer, aud: "platen", sub: crypto.randomUUID(), exp, scope: "read write", ...patch };
  }

  call(token: string, method = "GET", path = ME, body?: object): Promise<Answer> {
    return callWith(this.vars, method, path, { token, ...(body === undefined ? {} : { body }) });
  }
}

async function provider(alg?: keyof typeof KINDS) {
  const served = new Provider();
  const signer = await makeSigner(alg);
  served.serve(signer);
  return { served, signer };
}

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const REFUSED = { status: 401, body: { code: "unauthenticated", detail: "Invalid token." } };

describe("a JWT of the operator's identity provider", () => {
  test.each(["RS256", "PS256", "ES256", "EdDSA"] as const)(
    "[S12] signed with %s makes its account once",
    async (alg) => {
      const { served, signer } = await provider(alg);
      const claims = served.claims();
      const first = await served.call(await sign(signer, claims));
      expect(first).toMatchObject({ status: 200, body: { email: null } });
      const again = await served.call(await sign(signer, { ...served.claims(), ...claims, jti: "2" }));
      expect(again.body.id).toBe(first.body.id);
      const other = await served.call(await sign(signer, served.claims()));
      expect(other.body.id).not.toBe(first.body.id);
    },
  );

  test("[S12] ten calls at once of a new subject make one account", async () => {
    const { served, signer } = await provider();
    const claims = served.claims({ sub: "ada" });
    const token = await sign(signer, claims);
    const ids = await Promise.all(Array.from({ length: 10 }, async () => (await served.call(token)).body.id));
    expect(new Set(ids).size).toBe(1);
    const isAda = and(eq(users.issuer, served.issuer), eq(users.subject, "ada"));
    expect(await db.$count(users, isAda)).toBe(1);
  });

  test("[S12] the same subject of another issuer is another account", async () => {
    const one = await provider();
    const first = await one.served.call(await sign(one.signer, one.served.claims({ sub: "ada" })));
    const two = await provider();
    const second = await two.served.call(await sign(two.signer, two.served.claims({ sub: "ada" })));
    expect(second.body.id).not.toBe(first.body.id);
  });

  test("[O38] [S28] lists the printers of its account alone, within its scopes", async () => {
    const { served, signer } = await provider();
    const [ada, eve] = [served.claims({ sub: "ada" }), served.claims({ sub: "eve" })];
    const token = await sign(signer, ada);
    const { body: made } = await served.call(token, "POST", "/api/v1/printers/", { name: "Bench" });
    const list = async (claims: object) =>
      served.call(await sign(signer, claims), "GET", "/api/v1/printers/?fields=name");
    expect(await list(ada)).toMatchObject({ status: 200, body: [{ id: made.id, name: "Bench" }] });
    expect(await list(eve)).toMatchObject({ status: 200, body: [] });
    expect((await list({ ...ada, scope: "write" })).status).toBe(403);
  });

  test.each([
    { email_verified: true, shown: "ada@example.com" },
    { email_verified: false, shown: null },
    { email_verified: "true", shown: null },
    { email_verified: undefined, shown: null },
  ])("[S13] its address counts only when it was verified: $email_verified", async ({ email_verified, shown }) => {
    const { served, signer } = await provider();
    const local = `${crypto.randomUUID()}-`;
    const { body } = await served.call(
      await sign(signer, served.claims({ email: `${local}Ada@example.com`, email_verified })),
    );
    expect(body.email).toBe(shown === null ? null : `${local}${shown}`);
  });

  test("[S13] an address that another account has never opens that account", async () => {
    const { served, signer } = await provider();
    const email = `${crypto.randomUUID()}@example.com`;
    const { userId } = await makeAccount();
    await db.update(users).set({ email }).where(eq(users.id, userId));
    const { status, body } = await served.call(await sign(signer, served.claims({ email, email_verified: true })));
    expect({ status, email: body.email }).toEqual({ status: 200, email: null });
    expect(body.id).not.toBe(userId);
  });

  test.each([
    { scope: undefined, read: 200, write: 403 },
    { scope: "openid profile", read: 200, write: 403 },
    { scope: "", read: 200, write: 403 },
    { scope: ["read", "write"], read: 200, write: 403 },
    { scope: "read", read: 200, write: 403 },
    { scope: "write", read: 403, write: 200 },
    { scope: "readwrite writer", read: 200, write: 403 },
    { scope: "openid read write", read: 200, write: 200 },
  ])("[S14] scope $scope: read $read, write $write", async ({ scope, read, write }) => {
    const { served, signer } = await provider();
    const token = await sign(signer, served.claims({ scope }));
    expect((await served.call(token)).status).toBe(read);
    expect((await served.call(token, "PATCH", ME, { first_name: "Ada" })).status).toBe(write);
  });

  test("[S15] makes API tokens within its scopes, that outlive it", async () => {
    const { served, signer } = await provider();
    const token = await sign(signer, served.claims());
    const made = await served.call(token, "POST", "/api/v1/api_tokens/", { name: "CI" });
    expect(made).toMatchObject({ status: 201, body: { expires_at: null, scopes: ["read", "write"] } });
    const { body } = await call("GET", ME, { token: made.body.token });
    expect(body.id).toBe((await served.call(token)).body.id);
    const narrow = await sign(signer, served.claims({ scope: "write" }));
    const wider = { name: "x", scopes: ["read", "write"] };
    expect((await served.call(narrow, "POST", "/api/v1/api_tokens/", wider)).status).toBe(403);
  });
});

describe("refused, and nobody learns why", () => {
  const past = () => Math.floor(Date.now() / 1000) - 1;
  test.each([
    { name: "another issuer", patch: { iss: "https://evil.test/" } },
    { name: "no issuer", patch: { iss: undefined } },
    { name: "another audience", patch: { aud: "other" } },
    { name: "no audience", patch: { aud: undefined } },
    { name: "an audience that only begins alike", patch: { aud: "platen2" } },
    { name: "expired", patch: { exp: past() } },
    { name: "no expiry", patch: { exp: undefined } },
    { name: "an expiry as text", patch: { exp: "4000000000" } },
    { name: "not yet valid", patch: { nbf: past() + 3600 } },
    { name: "no subject", patch: { sub: undefined } },
    { name: "an empty subject", patch: { sub: "" } },
    { name: "a subject that is no text", patch: { sub: 7 } },
  ])("[S16] claims with $name", async ({ patch }) => {
    const { served, signer } = await provider();
    expect(await served.call(await sign(signer, served.claims(patch)))).toMatchObject(REFUSED);
  });

  test("[S16] an audience among several counts", async () => {
    const { served, signer } = await provider();
    expect((await served.call(await sign(signer, served.claims({ aud: ["x", "platen"] })))).status).toBe(200);
  });

  test.each([
    { name: "no key id", header: { kid: undefined } },
    { name: "a key id that is no text", header: { kid: 5 } },
    { name: "another type", header: { typ: "dpop+jwt" } },
    { name: "an unknown critical extension", header: { crit: ["exp"] } },
    { name: "alg none", header: { alg: "none" } },
    { name: "alg HS256", header: { alg: "HS256" } },
    { name: "alg of another family", header: { alg: "RS256" } },
    { name: "no alg", header: { alg: undefined } },
  ])("[S16] a header with $name", async ({ header }) => {
    const { served, signer } = await provider();
    expect(await served.call(await sign(signer, served.claims(), header))).toMatchObject(REFUSED);
  });

  test("[S16] no signature, under any alg", async () => {
    const { served, signer } = await provider();
    for (const alg of ["none", "None", signer.alg]) {
      const head = encodeJson({ alg, kid: signer.kid, typ: "JWT" });
      expect(await served.call(`${head}.${encodeJson(served.claims())}.`)).toMatchObject(REFUSED);
    }
  });

  test("[S16] HS256 with the public key as its secret", async () => {
    const { served, signer } = await provider("RS256");
    const secret = utf8(JSON.stringify(signer.jwk));
    const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const forger = {
      ...signer,
      alg: "HS256",
      sign: (data: Uint8Array<ArrayBuffer>) => crypto.subtle.sign("HMAC", key, data),
    };
    expect(await served.call(await sign(forger, served.claims()))).toMatchObject(REFUSED);
  });

  test("[S16] a symmetric key in the key set", async () => {
    const { served, signer } = await provider();
    const k = encode(utf8("a secret that a key set must never hold"));
    served.answer = () => Response.json({ keys: [{ kty: "oct", k, kid: signer.kid, alg: "HS256" }] });
    const raw = utf8("a secret that a key set must never hold");
    const key = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const forger = {
      ...signer,
      alg: "HS256",
      sign: (data: Uint8Array<ArrayBuffer>) => crypto.subtle.sign("HMAC", key, data),
    };
    expect(await served.call(await sign(forger, served.claims()))).toMatchObject(REFUSED);
  });

  test("[S16] another key under the same key id, and changed claims under the right signature", async () => {
    const { served, signer } = await provider();
    const forger = await makeSigner("ES256", signer.kid);
    expect(await served.call(await sign(forger, served.claims()))).toMatchObject(REFUSED);
    const [head, , signature] = (await sign(signer, served.claims())).split(".");
    expect(await served.call(`${head}.${encodeJson(served.claims())}.${signature}`)).toMatchObject(REFUSED);
  });

  test("[S16] a key that another provider serves", async () => {
    const { signer } = await provider();
    const { served } = await provider();
    expect(await served.call(await sign(signer, served.claims()))).toMatchObject(REFUSED);
  });

  test("[S16] a key that is for encryption only", async () => {
    const { served, signer } = await provider();
    served.answer = () => Response.json({ keys: [{ ...signer.jwk, use: "enc" }] });
    expect(await served.call(await sign(signer, served.claims()))).toMatchObject(REFUSED);
  });

  test.each(["", "x", "a.b.c", "..", "e30.e30.e30", "plt_", "eyJhbGciOiJub25lIn0.e30."])(
    "[S16] %j is no token",
    async (token) => {
      const { served } = await provider();
      expect((await served.call(token)).status).toBe(401);
    },
  );
});

describe("the provider's keys", () => {
  test("[S17] are fetched once and kept ten minutes", async () => {
    const { served, signer } = await provider();
    const start = Date.now();
    const at = async (ms: number) => {
      vi.setSystemTime(start + ms);
      return (await served.call(await sign(signer, served.claims()))).status;
    };
    expect([await at(0), await at(1), await at(10 * MINUTE - 1)]).toEqual([200, 200, 200]);
    expect(served.fetches).toBe(1);
    expect(await at(10 * MINUTE)).toBe(200);
    expect(served.fetches).toBe(2);
  });

  test("[S17] are fetched again for an unknown key id, once a minute", async () => {
    const { served, signer } = await provider();
    const start = Date.now();
    vi.setSystemTime(start);
    await served.call(await sign(signer, served.claims()));
    const rotated = await makeSigner();
    served.serve(signer, rotated);
    const at = async (ms: number, by: Signer) => {
      vi.setSystemTime(start + ms);
      return (await served.call(await sign(by, served.claims()))).status;
    };
    expect([await at(1, rotated), await at(MINUTE - 1, rotated), served.fetches]).toEqual([401, 401, 1]);
    expect([await at(MINUTE, rotated), await at(MINUTE + 1, signer), served.fetches]).toEqual([200, 200, 2]);
    const stranger = await makeSigner();
    expect([await at(MINUTE + 2, stranger), await at(2 * MINUTE - 1, stranger), served.fetches]).toEqual([401, 401, 2]);
    expect([await at(2 * MINUTE, stranger), await at(2 * MINUTE + 1, stranger), served.fetches]).toEqual([401, 401, 3]);
  });

  test("[S17] that are gone from the set count no longer once it was fetched again", async () => {
    const { served, signer } = await provider();
    const start = Date.now();
    vi.setSystemTime(start);
    expect((await served.call(await sign(signer, served.claims()))).status).toBe(200);
    served.serve();
    vi.setSystemTime(start + 10 * MINUTE);
    expect((await served.call(await sign(signer, served.claims()))).status).toBe(401);
  });

  test.each([
    { name: "an error", answer: () => new Response("no", { status: 500 }) },
    { name: "no JSON", answer: () => new Response("<html>") },
    { name: "no key set", answer: () => Response.json({ jwks: [] }) },
    {
      name: "no answer",
      answer: () => {
        throw new Error("connection refused");
      },
    },
  ])("[S18] $name: 503 with Retry-After, never 401, and API tokens go on working", async ({ answer }) => {
    const { served, signer } = await provider();
    served.answer = answer;
    const refused = await served.call(await sign(signer, served.claims()));
    expect(refused).toMatchObject({ status: 503, body: { code: "unavailable" } });
    expect(refused.headers.get("Retry-After")).not.toBeNull();
    const { token } = await makeAccount();
    expect((await served.call(token)).status).toBe(200);
  });
});

describe("vars that are not all there enable nothing", () => {
  test.each([
    { name: "none", patch: { JWT_ISSUER: "", JWT_AUDIENCE: "", JWT_JWKS_URL: "" } },
    { name: "no issuer", patch: { JWT_ISSUER: "" } },
    { name: "no audience", patch: { JWT_AUDIENCE: "" } },
    { name: "no URL", patch: { JWT_JWKS_URL: "" } },
    { name: "absent ones", patch: { JWT_ISSUER: undefined } },
    { name: "a URL that is none", patch: { JWT_JWKS_URL: "keys" } },
    { name: "a URL without TLS", patch: { JWT_JWKS_URL: "http://id.example.com/keys" } },
    { name: "another scheme", patch: { JWT_JWKS_URL: "data:application/json,{}" } },
  ])("[S19] vars: $name", async ({ patch }) => {
    const { served, signer } = await provider();
    const token = await sign(signer, served.claims());
    expect(await callWith({ ...served.vars, ...patch }, "GET", ME, { token })).toMatchObject(REFUSED);
    expect(served.fetches).toBe(0);
  });

  test("[S19] loopback may go without TLS", async () => {
    const { served, signer } = await provider();
    const url = `http://localhost:8123/${crypto.randomUUID()}`;
    vi.stubGlobal("fetch", async () => Response.json({ keys: [signer.jwk] }));
    const vars = { ...served.vars, JWT_JWKS_URL: url };
    expect((await callWith(vars, "GET", ME, { token: await sign(signer, served.claims()) })).status).toBe(200);
  });
});

test("[O29] [O31] whoever passed to a printer can stop it while D1 is down, within the JWT's own scopes and life", async () => {
  const { served, signer } = await provider();
  const claims = served.claims({ sub: "ada" });
  const token = await sign(signer, claims);
  const { body: printer } = await served.call(token, "POST", "/api/v1/printers/", { name: "Bench" });
  const path = `/api/v1/printers/${printer.id}/`;
  expect((await served.call(token, "GET", path)).status).toBe(200);
  const logged = vi.spyOn(console, "error").mockImplementation(() => {});
  const heal = breakDatabase("refusing");
  try {
    const later = await sign(signer, { ...served.claims(), ...claims, jti: "2" });
    expect((await served.call(later, "GET", path)).status).toBe(200);
    expect(await served.call(later, "POST", `${path}pause_print/`)).toMatchObject({ body: { succeeded: false } });
    const reader = await sign(signer, { ...claims, scope: "read" });
    expect((await served.call(reader, "POST", `${path}pause_print/`)).status).toBe(503);
    const other = await sign(signer, served.claims({ sub: "eve" }));
    expect((await served.call(other, "GET", path)).status).toBe(503);
    const expired = await sign(signer, { ...claims, exp: Math.floor(Date.now() / 1000) - 120 });
    expect(await served.call(expired, "GET", path)).toMatchObject(REFUSED);
  } finally {
    heal();
    logged.mockRestore();
  }
});

/** Where an agent's passcode link leads: how its owner claims it ([S46]). */
import { Hono } from "hono";
import { html } from "hono/html";
import type { HttpEnv } from "../kit/context.ts";
import { publicUrl } from "../kit/origin.ts";
import { answerPage } from "../kit/page.ts";

export const linkPage = new Hono<HttpEnv>().get("/app", (c) => {
  const origin = publicUrl(c, "");
  const passcode = /^[a-z0-9]{5}$/.exec(c.req.query("one_time_passcode") ?? "")?.[0] ?? "…";
  return answerPage(
    c,
    (nonce) => html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Link a printer to Platen</title>
<style nonce="${nonce}">body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}pre{overflow:auto;background:#8882;padding:.6rem}</style>
<h1>Link a printer</h1>
<p>An agent shows the passcode <b>${passcode}</b> and waits for its owner. With an API token that may write:</p>
<pre>curl -H "Authorization: Bearer $TOKEN" ${origin}/api/v1/onetimeverificationcodes/</pre>
<p>answers with a six-digit <code>code</code>; hand it to the agent:</p>
<pre>curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
  -d '{"verification_code": "CODE", "one_time_passcode": "${passcode}"}' ${origin}/api/v1/one_time_passcodes/</pre>
<p>The agent links itself with its next poll. All calls: <a href="${origin}/docs">the documentation</a>.</p>
</html>`,
  );
});

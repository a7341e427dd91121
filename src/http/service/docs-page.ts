/** `/docs`: the description as one page that needs nothing from anywhere else. */
import { html, raw } from "hono/html";
import type { OpenApi, Operation } from "../kit/openapi.ts";

interface Listed {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

export function docsPage({ info, paths, components, servers: [{ url }] }: OpenApi, nonce: string) {
  const listed = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]): Listed => ({ method, path, operation })),
  );
  const tags = [...new Set(listed.map(({ operation }) => operation.tags[0] ?? ""))];
  const schemas = Object.entries((components.schemas ?? {}) as Record<string, unknown>); // safe: describeRoutes makes it
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${info.title} ${info.version}</title>
<style nonce="${nonce}">${raw(STYLE)}</style>
<h1>${info.title} <small>${info.version}</small></h1>
<p>${info.description} Machines read <a href="${url}/openapi.json">openapi.json</a>.</p>
<nav>${tags.map((tag) => html`<a href="#${tag}">${tag}</a> `)}<a href="#schemas">schemas</a></nav>
${tags.map(
  (tag) => html`<h2 id="${tag}">${tag}</h2>
${listed.filter(({ operation }) => operation.tags[0] === tag).map(operationPart)}`,
)}
<h2 id="schemas">schemas</h2>
${schemas.map(
  ([id, schema]) => html`<details id="schema-${id}"><summary><code>${id}</code></summary>
<pre>${JSON.stringify(schema, null, 1)}</pre></details>`,
)}
</html>`;
}

function operationPart({ method, path, operation }: Listed) {
  const { summary, description, parameters, requestBody, responses } = operation;
  return html`<details><summary><b>${method.toUpperCase()}</b> <code>${path}</code> ${summary}</summary>
${description === undefined ? "" : html`<p>${description}</p>`}
${parameters.length === 0 ? "" : html`<table>${parameters.map(({ name, in: place, description: text = "" }) => html`<tr><td><code>${name}</code><td>${place}<td>${text}`)}</table>`}
${requestBody === undefined ? "" : html`<p>Body</p><pre>${JSON.stringify(firstSchema(requestBody), null, 1)}</pre>`}
${Object.entries(responses)
  .filter(([status]) => Number(status) < 400)
  .map(
    ([status, response]) => html`<p>${status}</p><pre>${JSON.stringify(firstSchema(response) ?? null, null, 1)}</pre>`,
  )}
</details>`;
}

/** Every media type of one body has the same schema. */
function firstSchema({ content }: { readonly content?: unknown }): unknown {
  const [media] = Object.values((content ?? {}) as Record<string, { readonly schema: unknown }>); // safe: describeRoutes makes it
  return media?.schema;
}

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
summary{cursor:pointer;padding:.2rem 0}summary b{display:inline-block;width:4.5rem}
pre{background:#f4f4f4;padding:.6rem;overflow:auto;font-size:13px}td{padding:0 1rem 0 0;vertical-align:top}
@media (prefers-color-scheme:dark){body{background:#181818;color:#ddd}pre{background:#242424}a{color:#8bf}}`;

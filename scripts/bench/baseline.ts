/**
 * What the service is measured against: the least that anybody would write for the same hops, without validation, states,
 * history or refusals. It runs beside Platen in the same runtime, on a D1 and objects of its own.
 */
import { DurableObject } from "cloudflare:workers";

interface Bindings {
  readonly DB: D1Database;
  readonly OBJECTS: DurableObjectNamespace<BaselineObject>;
  readonly WRITERS: DurableObjectNamespace<WritingObject>;
}

/** Counts the frames of one agent's socket; keeps one row; sends one frame and waits for its answer. */
export class BaselineObject extends DurableObject<Bindings> {
  #frames = 0;
  #answered: (() => void) | null = null;

  constructor(ctx: DurableObjectState, env: Bindings) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS kept (id INTEGER PRIMARY KEY, text TEXT)");
  }

  override fetch(): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(): void {
    this.#frames += 1;
    this.#answered?.();
    this.#answered = null;
  }

  override webSocketClose(webSocket: WebSocket): void {
    webSocket.close();
  }

  read(): string {
    return String(this.ctx.storage.sql.exec("SELECT text FROM kept").toArray()[0]?.text ?? "{}");
  }

  /** One row of the object's, then one of D1's. */
  async write(id: number, text: string): Promise<string> {
    this.ctx.storage.sql.exec("INSERT OR REPLACE INTO kept (id, text) VALUES (1, ?)", text);
    await this.env.DB.prepare("UPDATE printers SET name = ? WHERE id = ?").bind(text, id).run();
    return text;
  }

  async send(): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#answered = resolve;
    for (const socket of this.ctx.getWebSockets()) socket.send(`{"commands":[{"cmd":"pause"}],"passthru":{"ref":"1"}}`);
    await promise;
    return "{}";
  }
}

/** Writes the status of each frame into its printer's row of D1, if there is such a printer and no newer status of it. */
export class WritingObject extends DurableObject<Bindings> {
  override fetch(): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  override async webSocketMessage(_socket: WebSocket, text: string): Promise<void> {
    const { status } = JSON.parse(text) as { readonly status?: object };
    if (status === undefined) return;
    const now = Date.now();
    await this.env.DB.prepare(UPSERT).bind(now, now, JSON.stringify(status), Number(this.ctx.id.name)).run();
  }

  override webSocketClose(webSocket: WebSocket): void {
    webSocket.close();
  }
}

const UPSERT = `INSERT INTO statuses (at, last_seen_at, status, printer_id)
  SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM printers WHERE id = ?4)
  ON CONFLICT DO UPDATE SET at = excluded.at, last_seen_at = excluded.last_seen_at, status = excluded.status
  WHERE excluded.at >= at`;

async function hashOf(request: Request): Promise<string> {
  const token = request.headers.get("Authorization")?.slice("Bearer ".length) ?? "";
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function json(text: string): Response {
  return new Response(text, { headers: { "Content-Type": "application/json" } });
}

const SHOWN = `printers.id, name, connected_at, disconnected_at, printer_lost_at, last_seen_at, at, prints.*`;
const JOINED = `printers LEFT JOIN statuses ON statuses.printer_id = printers.id
  LEFT JOIN prints ON prints.print_id = current_print_id`;
const THIN_LIST = `SELECT ${SHOWN} FROM ${JOINED} WHERE user_id = ? ORDER BY id`;
const LIST = `SELECT ${SHOWN}, settings, status FROM ${JOINED} WHERE user_id = ? ORDER BY id`;

async function list(request: Request, env: Bindings, query: string): Promise<Response> {
  const token = "SELECT user_id FROM tokens WHERE hash = ?";
  const found = await env.DB.prepare(token)
    .bind(await hashOf(request))
    .first<{ user_id: number }>();
  if (found === null) return new Response(null, { status: 401 });
  const { results } = await env.DB.prepare(query).bind(found.user_id).all();
  return Response.json(results);
}

async function onePrinter(request: Request, env: Bindings, id: number, verb: string | undefined): Promise<Response> {
  const query = `SELECT printers.id FROM tokens JOIN printers ON printers.user_id = tokens.user_id
    WHERE tokens.hash = ? AND printers.id = ?`;
  const found = await env.DB.prepare(query)
    .bind(await hashOf(request), id)
    .first();
  if (found === null) return new Response(null, { status: 404 });
  const stub = env.OBJECTS.getByName(String(id));
  if (verb === "send") return json(await stub.send());
  if (request.method === "GET") return json(await stub.read());
  return json(await stub.write(id, await request.text()));
}

export default {
  fetch(request, env): Response | Promise<Response> {
    const [, noun, name, verb] = new URL(request.url).pathname.split("/");
    if (noun === "counting") return env.OBJECTS.getByName(name ?? "").fetch(request);
    if (noun === "writing") return env.WRITERS.getByName(name ?? "").fetch(request);
    if (noun === "printers") return onePrinter(request, env, Number(name), verb);
    return list(request, env, noun === "thin-list" ? THIN_LIST : LIST);
  },
} satisfies ExportedHandler<Bindings>;

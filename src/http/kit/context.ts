/** What every request carries, and who makes it. */
import type { Context, HonoRequest } from "hono";
import type { AgentToken } from "../../credentials/agent-token.ts";
import type { KeyUse } from "../../db/idempotency.ts";
import type { ListedPrinter } from "../../db/printer-list.ts";
import type { OwnedPrinter } from "../../db/printers.ts";
import type { Settings } from "../../env.ts";
import type { Principal } from "../../printer/rpc.ts";

/** A person or program, by whichever kind of bearer. */
export interface Caller {
  readonly userId: number;
  /** The API token's; null for sign-ins. */
  readonly tokenId: number | null;
  readonly tokenName: string | null;
  readonly canRead: boolean;
  readonly canWrite: boolean;
  /** Whether it is shown agents' tokens: D1 let it pass just now, and it may write ([S24]). */
  readonly seesTokens: boolean;
  /** What a printer's object may cache of the caller; null when it was read from that cache, D1 being down. */
  readonly principal: Principal | null;
}

declare module "hono" {
  /** Set before any route runs. */
  interface ContextVariableMap {
    requestId: string;
    settings: Settings;
  }
}

export interface HttpEnv {
  Bindings: Env;
  Variables: { requestId: string; settings: Settings };
}

/** What the code behind the handlers needs of any route's context. */
export interface HttpContext {
  readonly env: Env;
  readonly req: Pick<HonoRequest, "raw" | "method" | "path" | "header">;
  readonly executionCtx: { waitUntil(promise: Promise<unknown>): void };
  readonly var: Readonly<HttpEnv["Variables"]>;
  header(name: string, value: string): void;
}

/** What `route` adds, as far as the route's declaration asks for it. */
export interface Admitted {
  /** Routes with the access `read` or `write`. */
  caller: Caller;
  /** Routes with a `:printerId`: one of the caller's. */
  printer: OwnedPrinter;
  /** Routes with a list of the caller's printers. */
  listed: readonly ListedPrinter[];
  /** Routes that make something: the call's use of its `Idempotency-Key`; null without one. */
  keyUse: KeyUse | null;
  /** Routes with the access `agent`: the MAC was checked, its printer's object was not asked yet. */
  agent: AgentToken;
}

export type AdmittedContext = Context<{ Bindings: Env; Variables: HttpEnv["Variables"] & Admitted }>;

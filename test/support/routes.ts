/** Every route that the program declares, so that a new one is tested without being named. */
import { app } from "../../src/app.ts";
import { isDeclared, type RouteSpec } from "../../src/http/kit/route.ts";

export const ROUTES: readonly RouteSpec[] = app.routes.flatMap(({ handler }) =>
  isDeclared(handler) ? [handler.spec] : [],
);

/** Method and path of handlers without a declaration, but for middleware and 405 answers. */
export const UNDECLARED: readonly string[] = app.routes
  .filter(({ handler, method, path }) => !isDeclared(handler) && method !== "ALL" && !isRefusal(method, path))
  .map(({ method, path }) => `${method} ${path}`);

/** The 405 answer of a path that is declared for other methods. */
function isRefusal(method: string, path: string): boolean {
  return ROUTES.some((spec) => spec.path === path && spec.method !== method);
}

export function parametersOf(spec: RouteSpec): string[] {
  return [...spec.path.matchAll(/:(\w+)/g)].map(([, name = ""]) => name);
}

/** With its last slash, as clients write it. */
export function pathOf(spec: RouteSpec, ids: Readonly<Record<string, number | string>>): string {
  const filled = spec.path.replace(/:(\w+)/g, (_, name: string) => String(ids[name]));
  return filled.endsWith("/") ? filled : `${filled}/`;
}

export const titleOf = ({ method, path }: RouteSpec) => `${method} ${path}`;

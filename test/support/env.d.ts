declare namespace Cloudflare {
  interface Env {
    TEST_MIGRATIONS: import("cloudflare:test").D1Migration[];
  }
}

declare module "*?raw" {
  const text: string;
  export default text;
}

interface ImportMeta {
  /** Vite's: modules by path; none is loaded until it is asked for. */
  glob(patterns: readonly string[]): Readonly<Record<string, unknown>>;
  /** The same, loaded. */
  glob(pattern: string, options: { readonly eager: true }): Readonly<Record<string, object>>;
}

import path from "node:path";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

// wrangler asks the environment for required secrets, and otherwise warns; the key is of no use outside the tests.
process.env.AGENT_KEYS = "t1:dGVzdC1rZXktb2YtcGxhdGVuLTAxMjM0NTY3ODlhYmNkZWY";
process.env.WRANGLER_LOG = "error";

/** A busy machine is no failure: what hangs ends at its limit, what is slow does not. */
const MINUTE_MS = 60_000;

/** What the Worker imports, bundled once instead of fetched module by module for each file. */
const PACKAGES = [
  ...["@hono/zod-validator", "drizzle-orm", "drizzle-orm/d1", "drizzle-orm/sqlite-core", "fast-check", "hono", "zod"],
  ...["client", "cors", "html", "jwt", "method-not-allowed", "request-id", "utils/url"].map((part) => `hono/${part}`),
];

/**
 * Pure code runs as plain Node, everything with a binding in the Workers runtime. `server` starts the real server, after all
 * others: beside them neither would have the machine that it needs.
 */
export default defineConfig({
  test: {
    globalSetup: ["test/support/draw-seed.ts"],
    maxWorkers: "100%",
    projects: [
      {
        test: {
          name: "pure",
          include: [
            "test/domain/**/*.test.ts",
            "test/protocol/**/*.test.ts",
            "test/credentials/**/*.test.ts",
            "test/scripts/virtual/**/*.test.ts",
            "test/*.test.ts",
          ],
          environment: "node",
          testTimeout: 2 * MINUTE_MS,
          hookTimeout: 2 * MINUTE_MS,
        },
      },
      {
        plugins: [
          cloudflareTest(async () => ({
            wrangler: { configPath: "./wrangler.toml" },
            remoteBindings: false,
            miniflare: {
              bindings: {
                TEST_MIGRATIONS: await readD1Migrations(path.join(import.meta.dirname, "migrations")),
              },
            },
          })),
        ],
        test: {
          name: "workers",
          include: ["test/{db,http,jobs,printer}/**/*.test.ts"],
          setupFiles: ["test/support/migrate.ts"],
          deps: { optimizer: { ssr: { enabled: true, include: PACKAGES } } },
          testTimeout: 2 * MINUTE_MS,
          hookTimeout: 2 * MINUTE_MS,
        },
      },
      {
        test: {
          name: "server",
          include: ["test/scripts/*.test.ts"],
          environment: "node",
          sequence: { groupOrder: 1 },
          testTimeout: 15 * MINUTE_MS,
          hookTimeout: 15 * MINUTE_MS,
        },
      },
    ],
  },
});

import path from "node:path";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

// wrangler asks the environment for required secrets, and otherwise warns; the key is of no use outside the tests.
process.env.AGENT_KEYS = "t1:dGVzdC1rZXktb2YtcGxhdGVuLTAxMjM0NTY3ODlhYmNkZWY";
process.env.WRANGLER_LOG = "error";

/**
 * Pure code runs as plain Node, everything with a binding in the Workers runtime, and `server` starts the real one. A busy
 * machine is no failure: what hangs ends at its limit, what is slow does not.
 */
export default defineConfig({
  test: {
    globalSetup: ["test/support/draw-seed.ts"],
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
          testTimeout: 60_000,
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
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: "server",
          include: ["test/scripts/*.test.ts"],
          environment: "node",
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});

/** The schema, in the D1 of each test file. `cloudflare:test` would load the whole Worker for it, which not every file needs. */
import { env } from "cloudflare:workers";

await env.DB.batch(env.TEST_MIGRATIONS.flatMap(({ queries }) => queries).map((query) => env.DB.prepare(query)));

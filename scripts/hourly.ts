/** What Cloudflare does by the clock. */

const HOUR_MS = 3_600_000;

/** Calls `run` now and then every hour; a server that is up for less than an hour a day gets its turn, too. */
export function everyHour(run: () => void): void {
  run();
  setInterval(run, HOUR_MS).unref();
}

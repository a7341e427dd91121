/** What a run prints and writes. */
import type { Row } from "./catalogue.ts";
import { type Measured, quartiles, ratios } from "./statistics.ts";

export interface Result extends Measured {
  readonly row: Row;
}

export interface Circumstances {
  /** `YYYY-MM-DD`, UTC. */
  readonly date: string;
  readonly commit: string | null;
  readonly cores: number;
  readonly cpu: string;
  readonly node: string;
  readonly workerd: string;
}

/** What stands under it is written by hand. */
export const MARKER = "<!-- A run writes what stands above this line, and keeps what stands below it. -->";

const HAND_WRITTEN = "## What does not hold, and why\n\nNothing is written here yet.\n";

export function lineOf(result: Result): string {
  const { row } = result;
  const goal = row.goal === null ? "no goal" : `goal ${row.goal}`;
  return `${row.name.padEnd(14)}  ${spread(result)}, ${goal}; ${costs(result).join(" against ")} ${unitOf(row)}`;
}

/** `page`: the one to be replaced, of which the part written by hand is kept. */
export function pageOf(results: readonly Result[], circumstances: Circumstances, page: string): string {
  return `${[TITLE, madeOf(circumstances), tableOf(results), METHOD, MARKER].join("\n\n")}\n${handWrittenPart(page)}`;
}

function handWrittenPart(page: string): string {
  const at = page.indexOf(MARKER);
  return at === -1 ? `\n${HAND_WRITTEN}` : page.slice(at + MARKER.length).replace(/^\n/, "");
}

const TITLE = `# Benchmarks

What Platen costs against the least that does the same hops, as ratios. \`npm run bench\` writes this page.`;

function madeOf({ date, commit, cores, cpu, node, workerd }: Circumstances): string {
  const of = commit === null ? "" : ` of ${commit}`;
  return `Measured${of} on ${date}: ${cores} cores (${cpu}), Node ${node}, workerd ${workerd}.`;
}

function tableOf(results: readonly Result[]): string {
  const rows = results.map((result) => {
    const { row } = result;
    const [ours, theirs] = costs(result);
    const goal = row.goal === null ? "" : `${row.goal}`;
    const unit = unitOf(row);
    return [
      row.name,
      row.operation,
      row.baseline,
      goal,
      spread(result),
      `${ours} ${unit}`,
      `${theirs} ${unit}`,
      verdict(result),
    ];
  });
  const head = ["row", "operation", "against", "goal", "ratio (quartiles)", "ours", "baseline", "holds"];
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function spread(result: Measured): string {
  const { low, median, high } = quartiles(ratios(result));
  return `${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}

/** The medians of both sides. */
function costs({ subject, baseline }: Measured): [ours: string, theirs: string] {
  return [quartiles(subject).median.toFixed(0), quartiles(baseline).median.toFixed(0)];
}

function verdict({ row, ...measured }: Result): string {
  if (row.goal === null) return "";
  return quartiles(ratios(measured)).median <= row.goal ? "yes" : "no";
}

function unitOf({ name }: Row): string {
  return name === "memory" ? "KiB" : "µs";
}

const METHOD = `## How it is measured

The Worker that would be deployed and the baselines run in one runtime (Miniflare's \`workerd\`), each with a socket, a D1 and
objects of its own, all stored in memory; each row has a runtime of its own. Agents and callers are another process: virtual
agents of both dialects, and REST calls over four connections that are kept open. The limits on calls a minute are lifted, and
not simulated: the simulator counts in an object with a row a call, Cloudflare in memory.

Both sides do the same work by turns: ours, the baseline, ours, and so on, after a few turns that warm up. A turn's cost is the
CPU time of the runtime's process, all threads, by the kernel's account in nanoseconds, from the turn's start until nothing more
follows from it, so that what is written to D1 later belongs to it. A ratio is of two turns of which one followed the other; the
table shows the median and the quartiles of the ratios, and the medians of the costs an operation.

Memory is what the process grows by for each of 300 agents after the first 30, all of which have sent five statuses; each number
is of a new runtime that has agents of one side only.

## What it is measured against

The baselines stand in [baseline.ts](scripts/bench/baseline.ts), without validation, states, history and refusals:

- The object that counts frames hibernates and adds one for each frame that its agent's socket brings; it parses nothing.
- The one that writes rows parses the frame and carries out one upsert in D1, guarded as Platen's: if the printer exists, and no
  newer status does. No state that D1 has to hear of costs less.
- The lists hash the token, find its account in one query, and show the rows of a second one, joined with status and print.
- One printer is found by the hash of the token and the id in one query; its object is called, and reads its row, or writes it
  and a row in D1, or sends a frame to its agent and waits for the answer.`;

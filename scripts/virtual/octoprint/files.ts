/** OctoPrint's files: what it fetches for the server, and what it prints again [V29]. */
import type { Clock } from "../clock.ts";
import type { CloudFile } from "../cloud-file.ts";
import type { AgentHttp } from "../http.ts";
import { type Job, makeNamedJob } from "../job.ts";
import type { VirtualPrinter } from "../printer.ts";
import type { Random } from "../random.ts";
import type { OctoprintReports } from "./reports.ts";

const CLOUD_PRINT_SECONDS = 1800;

export interface FileOptions {
  readonly printer: VirtualPrinter;
  readonly clock: Clock;
  readonly random: Random;
  readonly http: AgentHttp;
  readonly reports: OctoprintReports;
}

export class OctoprintFiles {
  readonly #options: FileOptions;
  /** By path. */
  readonly #files = new Map<string, Job>();

  constructor(options: FileOptions) {
    this.#options = options;
  }

  /** The plugin prints whether or not the server took the signature. */
  async fetchAndPrint(file: CloudFile): Promise<void> {
    const { http, clock, random, printer, reports } = this.#options;
    reports.isDownloading = true;
    const bytes = await http.download(file.url);
    if (bytes !== null) {
      const made = makeNamedJob(random, clock.now(), `ObicoUpload/${file.safeFilename}`, CLOUD_PRINT_SECONDS);
      const job = { ...made, sizeBytes: bytes.length };
      this.#files.set(job.path, job);
      await http.patchFile(file.id, [
        ["agent_signature", `md5:${job.hash}`],
        ["safe_filename", file.safeFilename],
      ]);
      reports.isDownloading = false;
      printer.start(job);
    }
    reports.isDownloading = false;
  }

  /** False when the file is not the one that was meant. */
  printLocal(path: string, signature: unknown): boolean {
    const file = this.#known().get(path);
    if (file === undefined || signature !== `md5:${file.hash}`) return false;
    return this.#options.printer.start(file);
  }

  /** The files by path, as OctoPrint lists them. */
  list(): object {
    const entries = [...this.#known()].map(([path, file]) => {
      const { name, hash, sizeBytes: size } = file;
      return [path, { name, display: name, path, hash, size, date: Math.floor(file.modifiedAt), type: "machinecode" }];
    });
    return { local: Object.fromEntries(entries) };
  }

  #known(): Map<string, Job> {
    const loaded = this.#options.reports.file;
    return typeof loaded === "string" ? this.#files : new Map([...this.#files, [loaded.path, loaded]]);
  }
}

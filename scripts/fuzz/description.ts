/** `/openapi.json` as the fuzzer reads it: operations, and validators of what they answer. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { PROJECT } from "../wrangler.ts";

export type Schema = Readonly<Record<string, unknown>>;

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly schema: Schema;
}

export interface Operation {
  /** In upper case. */
  readonly method: string;
  readonly path: string;
  readonly access: "open" | "user" | "agent";
  /** Of a user's. */
  readonly needsWrite: boolean;
  readonly parameters: readonly Parameter[];
  /** By media type; none: no body is described. */
  readonly bodies: readonly (readonly [mediaType: string, schema: Schema])[];
  readonly answers: Readonly<Record<string, Answer>>;
}

/** One status of an operation. */
export interface Answer {
  /** Those that are always there. */
  readonly headers: readonly string[];
  /** By media type; none: no body. */
  readonly contents: Readonly<Record<string, ValidateFunction>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
}

interface DescribedOperation {
  readonly description?: string;
  readonly security: readonly Readonly<Record<string, unknown>>[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<Record<string, DescribedAnswer>>;
}

interface DescribedAnswer {
  readonly $ref?: string;
  readonly headers?: Readonly<Record<string, { readonly required?: boolean }>>;
  readonly content?: Readonly<Record<string, unknown>>;
}

const ID = "api";

export class Description {
  readonly operations: readonly Operation[];
  readonly #document: object;
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });

  constructor(document: Document) {
    this.#document = document;
    addFormats.default(this.#ajv);
    this.#ajv.addSchema(document, ID);
    this.operations = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]) => this.#operation(path, method, operation)),
    );
  }

  static async read(url: string): Promise<Description> {
    const response = await fetch(`${url}/openapi.json`);
    return new Description((await response.json()) as Document); // safe: what it lacks ends the run
  }

  /** What a reference within the document leads to. */
  resolve<T>(reference: string): T {
    const keys = reference.replace(/^#\//, "").split("/").map(unescaped);
    return keys.reduce<unknown>((value, key) => (value as Schema)[key], this.#document) as T; // safe: it leads somewhere
  }

  /** The operation that a call reaches; HEAD is answered like GET, and a path of words comes before one with an id. */
  find(method: string, path: string): Operation | null {
    const wanted = method === "HEAD" ? "GET" : method;
    const segments = withSlash(path).split("/");
    const matching = this.operations.filter((operation) => isOf(operation, segments));
    const fewest = Math.min(...matching.map((operation) => countIds(operation.path)));
    const nearest = matching.filter((operation) => countIds(operation.path) === fewest);
    return nearest.find((operation) => operation.method === wanted) ?? null;
  }

  #operation(path: string, method: string, described: DescribedOperation): Operation {
    const { security, description = "", parameters, requestBody, responses } = described;
    const pointer = `#/paths/${escaped(path)}/${method}/responses`;
    const answers = Object.entries(responses).map(([status, answer]) => [
      status,
      this.#answer(answer.$ref ?? `${pointer}/${status}`),
    ]);
    return {
      method: method.toUpperCase(),
      path,
      access: security.length === 0 ? "open" : security.some((scheme) => "agent" in scheme) ? "agent" : "user",
      needsWrite: description.includes("Needs the scope `write`."),
      parameters,
      bodies: Object.entries(requestBody?.content ?? {}).map(([type, { schema }]) => [type, schema] as const),
      answers: Object.fromEntries(answers),
    };
  }

  #answer(reference: string): Answer {
    const { headers = {}, content = {} } = this.resolve<DescribedAnswer>(reference);
    const contents = Object.keys(content).map((type) => {
      const $ref = `${ID}${reference}/content/${escaped(type)}/schema`;
      return [type, this.#ajv.compile({ $ref })];
    });
    const always = Object.entries(headers).filter(([, { required }]) => required === true);
    return { headers: always.map(([name]) => name.toLowerCase()), contents: Object.fromEntries(contents) };
  }
}

const escaped = (key: string) => encodeURIComponent(key.replaceAll("~", "~0").replaceAll("/", "~1"));
const unescaped = (key: string) => decodeURIComponent(key).replaceAll("~1", "/").replaceAll("~0", "~");
const countIds = (path: string) => path.split("{").length;

/** Both forms of a path are one. */
function withSlash(path: string): string {
  return path.endsWith("/") ? path : `${path}/`;
}

function isOf({ path }: Operation, segments: readonly string[]): boolean {
  const wanted = withSlash(path).split("/");
  return (
    wanted.length === segments.length && wanted.every((word, at) => word === segments[at] || /^\{.+\}$/.test(word))
  );
}

/** A scheme's word; a header that the runtime takes away, because it is of one connection. */
const NOT_TOLD = new Set(["Token", "Upgrade"]);

/** Statuses by code, and the headers that come with each, from the contract's own table ([H3]). */
export function readFailureTable(): ReadonlyMap<
  string,
  { readonly status: number; readonly headers: readonly string[] }
> {
  const page = readFileSync(path.join(PROJECT, "src", "http", "README.md"), "utf8");
  const rows = [...page.matchAll(/^\| `([a-z_]+)` \| (\d{3}) \| .* \| ([^|]*)\|$/gm)];
  return new Map(
    rows.map(([, code = "", status, headers = ""]) => [
      code,
      {
        status: Number(status),
        headers: [...headers.matchAll(/`([A-Z][\w-]+)[:`]/g)]
          .map(([, name = ""]) => name)
          .filter((name) => !NOT_TOLD.has(name)),
      },
    ]),
  );
}

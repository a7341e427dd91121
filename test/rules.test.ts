/** The pages of rules, held against each other, the tests' titles, the comments, and the files that they link to. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = path.join(import.meta.dirname, "..");
const PAGES = ["src/domain/RULES.md", "src/protocol/README.md", "src/http/README.md", "scripts/README.md"];

/** A rule stands where its id is bold; everywhere else the id is a reference. */
const STANDS = /\*\*\[([A-Z]\d+)\]\*\*/g;
const ID = /\[([A-Z]\d+)\]/g;
/** Ids at the head of a text: of a title, or of a row whose text becomes one. */
const HEAD = /["'`]((?:\[[A-Z]\d+\] )+)/g;
const UNTITLED = /\btest\(\s*(["'`](?!\[[A-Z]\d+\] )[^"'`]*)/g;
const LINK = /\]\(([^()\s]+)\)/g;

function read(file: string): string {
  return readFileSync(path.join(ROOT, file), "utf8");
}

function found(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, group = ""]) => group);
}

function filesOf(folder: string, ending: string): string[] {
  const names = readdirSync(path.join(ROOT, folder), { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(ending)).map((name) => path.join(folder, name));
}

/** Id to the page in which it stands. */
const stands = PAGES.flatMap((page) => found(read(page), STANDS).map((id) => [id, page] as const));
const rules: ReadonlyMap<string, string> = new Map(stands);
const tests = filesOf("test", ".test.ts");

describe("rules", () => {
  test("[R19] each stands in one page, once", () => {
    expect(stands.length).toBeGreaterThan(300);
    const repeated = stands.filter(([id], place) => stands.findIndex(([other]) => other === id) !== place);
    expect(repeated).toEqual([]);
  });

  test("[R19] each begins an item of a list or a row of a table", () => {
    const within = PAGES.flatMap((page) => found(read(page), /^(?!(?:- |\| )\*\*\[)(.*\*\*\[[A-Z]\d+\]\*\*.*)$/gm));
    expect(within).toEqual([]);
  });

  test("[R19] each letter belongs to one page", () => {
    const letters = new Set(stands.map(([id, page]) => `${id[0]} ${page}`));
    expect(letters.size).toBe(new Set(stands.map(([id]) => id[0])).size);
  });

  test("[R19] each heads a test", () => {
    const heads = new Set(tests.flatMap((file) => found(read(file), HEAD).flatMap((head) => found(head, ID))));
    expect([...rules.keys()].filter((id) => !heads.has(id))).toEqual([]);
  });
});

describe("ids", () => {
  const sources = ["src", "scripts", "test"].flatMap((folder) => filesOf(folder, ".ts"));
  const texts = [...sources, ...PAGES, "README.md"];

  test("[R19] that a title, a comment or a page cites stand in a page", () => {
    const cited = texts.flatMap((file) => found(read(file), ID).map((id) => ({ file, id })));
    expect(cited.filter(({ id }) => !rules.has(id)).map(({ file, id }) => `${file}: ${id}`)).toEqual([]);
  });

  test("[R19] head every test", () => {
    const untitled = tests.flatMap((file) => found(read(file), UNTITLED).map((title) => `${file}: ${title}`));
    expect(untitled).toEqual([]);
  });
});

/** Pages that a reader of the repository does not have, and sections of them that stand alone. */
const CITATIONS = [
  /\b(?:design|wire|semantics|protocol|style|cloudflare)(?:\.md)?`?,? (?:section )?(?:\d|[A-I]\d?\b)/,
  /(?<![[\w.#$'"%-])[A-CE-I]\d{1,2}(?:\.\d)?(?![\w\]-])/,
];

describe("citations", () => {
  const sources = [...["src", "scripts", "test"].flatMap((folder) => filesOf(folder, ".ts")), ...PAGES, "README.md"];

  test("[R20] lead to pages of the repository", () => {
    // This file quotes some on purpose, below.
    const citing = sources
      .filter((file) => file !== "test/rules.test.ts")
      .flatMap((file) => {
        const lines = read(file)
          .split("\n")
          .map((line, index) => ({ line, at: `${file}:${index + 1}` }));
        return lines.filter(({ line }) => CITATIONS.some((pattern) => pattern.test(line)));
      });
    expect(citing.map(({ at, line }) => `${at}: ${line.trim()}`)).toEqual([]);
  });

  test("[R20] of pages that are elsewhere are seen", () => {
    const seen = (line: string) => CITATIONS.some((pattern) => pattern.test(line));
    expect(["as design 5 says", "(wire 3)", "semantics C4", "the table (C4)"].filter((line) => !seen(line))).toEqual(
      [],
    );
    expect(["as [C4] says", "a D1 database", "wire form"].filter(seen)).toEqual([]);
  });
});

/** Names of a page's headings, as links write them. */
function anchorsOf(page: string): string[] {
  const headings = found(read(page), /^#{1,6} (.+)$/gm);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** Null: the link leads somewhere. */
function faultOf(page: string, link: string): string | null {
  const [target = "", anchor] = link.split("#");
  const file = target === "" ? page : path.join(path.dirname(page), target);
  if (!existsSync(path.join(ROOT, file))) return `${page}: ${link} names no file`;
  if (anchor === undefined || (file.endsWith(".md") && anchorsOf(file).includes(anchor))) return null;
  return `${page}: ${link} names no heading`;
}

describe("links", () => {
  const isOurs = (link: string) => !/^[a-z]+:/.test(link);
  const withoutCode = (text: string) => text.replace(/^```[\s\S]*?^```/gm, "").replace(/`[^`\n]*`/g, "");

  test.each([...PAGES, "README.md"])("[R19] of %s lead to files and headings that are there", (page) => {
    const links = found(withoutCode(read(page)), LINK).filter(isOurs);
    expect(links.map((link) => faultOf(page, link)).filter((fault) => fault !== null)).toEqual([]);
  });

  test("[R19] that lead nowhere are seen", () => {
    const page = "src/domain/RULES.md";
    expect(faultOf(page, "print.ts")).toBeNull();
    expect(faultOf(page, "#how-a-print-ends")).toBeNull();
    expect(faultOf(page, "nowhere.ts")).toContain("names no file");
    expect(faultOf(page, "#nowhere")).toContain("names no heading");
    expect(faultOf(page, "print.ts#nowhere")).toContain("names no heading");
  });
});

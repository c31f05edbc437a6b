import { builtinModules } from "node:module";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { parseSource, readSources, type SourceFile } from "./source-file.ts";

/** Files that lie in src/ itself; main.ts is a place of its own. Nothing in a folder may import them. */
const top = "(top)";

/**
 * Who may import whom: folders of src/. What is not in this table may not exist, so a new folder begins with a line
 * here. `generated` is Prisma's and Pothos's output.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  "main.ts": [
    ...[
      top,
      "access",
      "door",
      "graphiql",
      "schema",
      "provisioning",
      "memory-access",
      "tenants",
      "mem0",
      "database",
      "urls",
    ],
    "emulator",
  ],
  [top]: [
    ...[
      "access",
      "door",
      "graphiql",
      "schema",
      "provisioning",
      "memory-access",
      "tenants",
      "mem0",
      "database",
      "urls",
    ],
    "generated",
  ],
  access: ["memory-access", "tenants", "generated"],
  graphiql: [],
  // Rules, which know of the application only who asks.
  door: ["access"],
  schema: ["access", "provisioning", "memory-access", "tenants", "mem0", "urls", "generated"],
  provisioning: ["memory-access", "tenants", "mem0", "urls", "generated"],
  "memory-access": ["tenants", "mem0", "generated"],
  tenants: ["urls", "generated"],
  mem0: [],
  urls: [],
  database: ["generated"],
  emulator: [],
};

const sources = readSources("src");
const everything = [...sources, ...readSources("test"), ...readSources("scripts", [".mjs"])];
const drawers = new Set(["util", "utils", "helper", "helpers", "common", "shared", "misc", "lib", "stuff"]);

/** The folder below src/ that a file lies in. */
function placeOf(file: string): string {
  const [, folder = "", ...rest] = file.split("/");
  if (rest.length > 0) return folder;
  return file === "src/main.ts" ? "main.ts" : top;
}

/** The paths of our own files that a file imports, from the root of the repository. */
function ownImports({ path: from, specifiers }: SourceFile): string[] {
  return specifiers
    .filter((specifier) => specifier.startsWith("."))
    .map((specifier) => path.posix.join(path.posix.dirname(from), specifier));
}

/** Every pair of a file and something it does that it may not. */
function offences(files: readonly SourceFile[], find: (file: SourceFile) => readonly string[]): string[] {
  return files.flatMap((file) => find(file).map((what) => `${file.path}: ${what}`));
}

describe("the sources", () => {
  it("are all read: the rules below look at something", () => {
    const read = sources.map(({ path: file }) => file);
    expect(read).toContain("src/main.ts");
    expect(new Set(read.map(placeOf))).toEqual(new Set(Object.keys(mayImport)));
    expect(sources.flatMap(ownImports).length).toBeGreaterThan(sources.length);
  });

  it("import along the arrows only: schema to provisioning to tenants and mem0, and never back", () => {
    const found = offences(sources, (file) => {
      const place = placeOf(file.path);
      const allowed = mayImport[place] ?? [];
      return ownImports(file).filter((target) => {
        if (!target.startsWith("src/")) return true;
        const to = placeOf(target);
        return to !== place && !allowed.includes(to);
      });
    });
    expect(found).toEqual([]);
  });

  it("leave the emulator to main.ts", () => {
    const outside = sources.filter(
      ({ path: file }) => placeOf(file) !== "emulator" && file !== "src/main.ts",
    );
    expect(
      offences(outside, (file) => ownImports(file).filter((target) => placeOf(target) === "emulator")),
    ).toEqual([]);
  });

  it("of the emulator need nothing but Node itself, each other, and one library to search words with", () => {
    const emulator = sources.filter(({ path: file }) => placeOf(file) === "emulator");
    expect(emulator.length).toBeGreaterThan(0);
    expect(
      offences(emulator, (file) =>
        file.specifiers.filter(
          (name) => !name.startsWith(".") && !name.startsWith("node:") && name !== "minisearch",
        ),
      ),
    ).toEqual([]);
  });

  it("name Node's own modules with node: in front", () => {
    expect(
      offences(everything, (file) => file.specifiers.filter((name) => builtinModules.includes(name))),
    ).toEqual([]);
  });

  it("end every relative import with the file's real ending", () => {
    const found = offences(everything, (file) =>
      file.specifiers.filter((name) => name.startsWith(".") && !/\.(ts|mjs|js|json)$/.test(name)),
    );
    expect(found).toEqual([]);
    const inSrc = offences(sources, (file) =>
      file.specifiers.filter((name) => name.startsWith(".") && !name.endsWith(".ts")),
    );
    expect(inSrc).toEqual([]);
  });

  it("import what is written out, never a computed path, in src", () => {
    expect(
      offences(sources, (file) => file.specifiers.filter((specifier) => specifier === "(computed)")),
    ).toEqual([]);
  });

  it("read the environment in config.ts alone", () => {
    const readers = sources.filter(({ readsEnvironment }) => readsEnvironment).map(({ path: file }) => file);
    expect(readers).toEqual(["src/config.ts"]);
  });

  it("have no default exports in src and test", () => {
    const found = everything.filter(({ hasDefaultExport }) => hasDefaultExport).map(({ path: file }) => file);
    expect(found).toEqual([]);
  });

  it("have no barrels: no index file, and nothing exported that another file defines", () => {
    const named = everything.filter(({ path: file }) => path.posix.basename(file).startsWith("index."));
    const passing = everything.filter(({ hasReExports }) => hasReExports);
    expect([...named, ...passing].map(({ path: file }) => file)).toEqual([]);
  });

  it("have no drawers for odds and ends", () => {
    const found = everything
      .map(({ path: file }) => file)
      .filter((file) => file.split(/[/.-]/).some((word) => drawers.has(word)));
    expect(found).toEqual([]);
  });

  it("write nothing to the console in src", () => {
    expect(sources.filter(({ usesConsole }) => usesConsole).map(({ path: file }) => file)).toEqual([]);
  });

  it("have a docstring directly above every export of src", () => {
    expect(offences(sources, ({ undocumented }) => undocumented)).toEqual([]);
  });

  it("of src have at most 300 lines", () => {
    const long = sources
      .filter(({ lines }) => lines > 300)
      .map(({ path: file, lines }) => `${file}: ${lines}`);
    expect(long).toEqual([]);
  });
});

describe("parseSource", () => {
  it("finds imports of every form", () => {
    const text = [
      'import a, { type B } from "./a.ts";',
      'import type { C } from "./c.ts";',
      'import "./d.ts";',
      'export { e } from "./e.ts";',
      'export * from "./f.ts";',
      'const g = await import("./g.ts");',
      'type H = import("./h.ts").H;',
      "const i = await import(name);",
    ].join("\n");
    expect(parseSource("src/x.ts", text).specifiers.toSorted()).toEqual(
      ["./a.ts", "./c.ts", "./d.ts", "./e.ts", "./f.ts", "./g.ts", "./h.ts", "(computed)"].toSorted(),
    );
  });

  it.each([
    "const a = process.env.HOME;",
    'const a = process["env"];',
    "const { env } = process;",
    'import { env } from "node:process";',
  ])("takes for reading the environment: %s", (text) => {
    expect(parseSource("src/x.ts", text).readsEnvironment).toBe(true);
  });

  it.each(["type Environment = NodeJS.ProcessEnv;", 'const text = "process.env";', "// process.env"])(
    "does not take for reading the environment: %s",
    (text) => {
      expect(parseSource("src/x.ts", text).readsEnvironment).toBe(false);
    },
  );

  it("wants a docstring for each kind of export, and takes no other comment for one", () => {
    const text = `
export function one() {}
// Not a docstring.
export const two = 1;
/* Nor this. */
export class Three {}
/** Far away. */

const between = 1;
export interface Four {}
export type Five = 5;
export abstract class Six {}
/** Documented. */
export const seven = 7;
/** Speaks for two. */
export const eight = 8;
export const nine = 9;

export const ten = between;
`;
    expect(parseSource("src/x.ts", text).undocumented).toEqual([
      "one",
      "two",
      "Three",
      "Four",
      "Five",
      "Six",
      "ten",
    ]);
  });
});

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { buildSchema, parse, validate } from "graphql";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = path.join(root, "examples");
const files = readdirSync(folder).filter((name) => name.endsWith(".ts"));
const sources = new Map(files.map((name) => [name, readFileSync(path.join(folder, name), "utf8")]));
/** Those that a person runs. */
const programs = files.filter((name) => sources.get(name)?.includes("\nawait asProgram(import.meta.url"));

/** The documents of a file, as they are sent. */
function documentsOf(name: string): string[] {
  return [...(sources.get(name) ?? "").matchAll(/\bgql`([^`]*)`/g)].map(([, text = ""]) => text);
}

describe("the examples", () => {
  const schema = buildSchema(readFileSync(path.join(root, "schema.graphql"), "utf8"));

  it.each(programs)("of %s send only what the schema knows", (name) => {
    const documents = documentsOf(name);
    expect(documents.length).toBeGreaterThan(0);
    const problems = documents.flatMap((text) => validate(schema, parse(text)).map(({ message }) => message));
    expect(problems).toEqual([]);
  });

  it("that lay the ground send only what the schema knows, and every document is read here", () => {
    const problems = documentsOf("demo-tenant.ts").flatMap((text) => validate(schema, parse(text)));
    expect(problems).toEqual([]);
    const others = files.filter((name) => !programs.includes(name) && name !== "demo-tenant.ts");
    expect(others.flatMap(documentsOf)).toEqual([]);
    // What is put together at run time would escape the check above.
    expect(files.flatMap(documentsOf).filter((text) => text.includes("${"))).toEqual([]);
  });

  it("say at their top who would write them and why, in a file that is quickly read", () => {
    expect(programs.length).toBeGreaterThanOrEqual(6);
    for (const name of programs) {
      const source = sources.get(name) ?? "";
      expect(source, name).toMatch(/^\/\*\*\n(?: \*.*\n)+ \*\/\nimport /);
      expect(source.slice(0, source.indexOf("*/")), name).toContain("Written by whoever");
      expect(source.split("\n").length, name).toBeLessThanOrEqual(145);
    }
  });

  it("are all in the table of their README, and nothing else is", () => {
    const readme = readFileSync(path.join(folder, "README.md"), "utf8");
    const named = [...readme.matchAll(/^\| \[`([^`]+)`\]/gm)].map(([, name = ""]) => name);
    expect(named.toSorted()).toEqual(programs.toSorted());
  });
});

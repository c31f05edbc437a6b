import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { defaultSwitches } from "../../src/emulator/switches.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const pages = [
  ...["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "src/emulator/README.md"],
  "examples/README.md",
  ...readdirSync(path.join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => path.posix.join("docs", name.split(path.sep).join("/"))),
];

function read(file: string): string {
  return readFileSync(path.join(root, file), "utf8");
}

/** Where the links of a page lead, within the repository and from its root. */
function linksOf(page: string): string[] {
  return [...read(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target.split("#")[0] ?? "")
    .filter((target) => target !== "" && !/^[a-z]+:/.test(target))
    .map((target) => path.posix.join(path.posix.dirname(page), target));
}

/** The first column of the table rows between a heading and the next. */
function firstColumn(page: string, heading: string): string[] {
  const section = read(page).split(`\n${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return [...section.matchAll(/^\| `([^`]+)` +\|/gm)].map(([, name = ""]) => name);
}

describe("the documents", () => {
  it("link to nothing that is not there", () => {
    const dead = pages.flatMap((page) =>
      linksOf(page)
        .filter((target) => !existsSync(path.join(root, target)))
        .map((target) => `${page}: ${target}`),
    );
    expect(pages.length).toBeGreaterThan(10);
    expect(dead).toEqual([]);
  });

  it("can all be reached from the README", () => {
    const reached = new Set(["README.md"]);
    for (const page of reached) {
      for (const target of linksOf(page)) {
        if (target.endsWith(".md")) reached.add(target);
        else for (const other of pages) if (path.posix.dirname(other) === target) reached.add(other);
      }
    }
    expect(pages.filter((page) => !reached.has(page))).toEqual([]);
  });

  it("name every variable of the environment that is read, and no other", () => {
    const files = ["src/config.ts", "src/door/door-settings.ts", "src/access/oidc-variables.ts"];
    const variables = files
      .flatMap((file) => [...read(file).matchAll(/^ {2,4}([A-Z][A-Z0-9_]+):/gm)])
      .map(([, name = ""]) => name);
    expect(variables.length).toBeGreaterThan(5);
    expect(firstColumn("README.md", "## Configuration").toSorted()).toEqual(
      [...new Set(variables)].toSorted(),
    );
  });

  it("name every script of package.json that people run, and no other", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    const forPeople = Object.keys(scripts).filter((name) => !/^(pre|post)/.test(name));
    const named = firstColumn("CONTRIBUTING.md", "## Set up").map((command) =>
      command.replace(/^npm (run )?/, ""),
    );
    expect(named.toSorted()).toEqual(forPeople.toSorted());
  });

  it("number what is unproved from 1, and name only switches of the emulator that there are", () => {
    const unproved = read("docs/unproved.md");
    const numbers = [...unproved.matchAll(/^\*\*(\d+)\. /gm)].map(([, number]) => Number(number));
    const switches = [...unproved.matchAll(/^- switch: `([A-Za-z]+)`/gm)];
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    expect(switches.length).toBeGreaterThan(10);
    expect(switches.map(([, name = ""]) => name).filter((name) => !(name in defaultSwitches))).toEqual([]);
  });

  it("name only files of ours that there are", () => {
    const sources = ["src", "test", "prisma", "scripts", "examples"].flatMap((folder) =>
      readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" }).map(
        (name) => `${folder}/${name}`,
      ),
    );
    const missing = pages.flatMap((page) =>
      [...read(page).matchAll(/`((?:[\w.-]+\/)*[\w.-]+\.(?:ts|mjs))`/g)]
        .map(([, file = ""]) => file)
        .filter((file) => !existsSync(path.join(root, file)))
        .filter((file) => !sources.some((source) => `/${source}`.endsWith(`/${file}`)))
        .map((file) => `${page}: ${file}`),
    );
    expect(missing).toEqual([]);
  });
});

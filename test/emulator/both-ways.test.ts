import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { defaultSwitches } from "../../src/emulator/switches.ts";
import { provedBy } from "./switches-proved-by.ts";

const folder = new URL("./", import.meta.url);

/** The tests of this folder, by file name. */
const sources = new Map(
  readdirSync(folder)
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => [name, readFileSync(new URL(name, folder), "utf8")]),
);

const throughHelper = [...sources.values()].flatMap((source) =>
  [...source.matchAll(/\bbothWays\(\s*"(\w+)"/g)].map(([, name = ""]) => name),
);

describe("every switch", () => {
  it("is tested both ways: by bothWays, or by two tests that are named in switches-proved-by.ts", () => {
    const tested = [...throughHelper, ...Object.keys(provedBy)].sort();
    expect(tested).toEqual(Object.keys(defaultSwitches).sort());
  });

  it("that names its tests names tests that there are, and the one off the default turns it", () => {
    for (const [name, ways] of Object.entries(provedBy)) {
      for (const [file, title] of Object.values(ways)) {
        expect(sources.get(file), `${name}: ${file}`).toContain(`"${title}"`);
      }
      const [file, title] = "inOne" in ways ? ways.inOne : ways.otherwise;
      const [, body = ""] = (sources.get(file) ?? "").split(`"${title}"`);
      const test = body.split(/\n {2}\}\);/)[0];
      expect(`${title}${test}`, `${name}: ${title}`).toContain(name);
    }
  });
});

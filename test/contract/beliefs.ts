import { readFileSync } from "node:fs";
import path from "node:path";

/** A belief of docs/unproved.md. */
export interface Belief {
  readonly number: string;
  readonly title: string;
  /** What its entry names after `switch:`; none where it has none. */
  readonly switches: readonly string[];
}

/** All of them, in their order. Read from the repository's root, in which everything here is run. */
export function readBeliefs(): readonly Belief[] {
  const page = readFileSync(path.resolve("docs/unproved.md"), "utf8");
  return page
    .split(/^(?=\*\*\d+\. )/m)
    .slice(1)
    .map((entry) => {
      const [, number = "", title = ""] = /^\*\*(\d+)\. ([\s\S]*?)\*\*$/m.exec(entry) ?? [];
      const [, line = ""] = /^- switch: (.*(?:\n {2}.*)*)/m.exec(entry) ?? [];
      const switches = [...line.matchAll(/`([A-Za-z]+)`/g)].map(([, name = ""]) => name);
      return { number, title: title.replaceAll(/\s+/g, " ").replace(/^⚠ /, ""), switches };
    });
}

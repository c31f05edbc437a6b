import { readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTemporaryFolder, type TemporaryFolder } from "../database/temporary-folder.ts";
import { keepReport } from "./keep-report.ts";

let folder: TemporaryFolder;

beforeAll(async () => {
  folder = await makeTemporaryFolder("loci-report-");
});
afterAll(() => folder?.remove());

/** Keeps a report, and answers what is there then, and what went wrong. */
async function kept(name: string, text: string) {
  const file = path.join(folder.path, name);
  const error = await keepReport(file, text).catch((thrown: unknown) => thrown);
  return { text: await readFile(file, "utf8"), error };
}

describe("a kept report", () => {
  it("has its tables padded, as the check of the repository wants them, and kept again is the same", async () => {
    const table = "# Title\n\n| blow | dealt |\n| --- | ---: |\n| kill a worker | 40 |\n";
    const { text } = await kept("report.md", table);
    expect(text).toBe(
      "# Title\n\n| blow          | dealt |\n| ------------- | ----: |\n| kill a worker |    40 |\n",
    );
    expect((await kept("again.md", text)).text).toBe(text);
  });

  it("that is longer than a pipe holds is there to its end", async () => {
    const rows = Array.from({ length: 20_000 }, (_, index) => `| ${index} | x |`);
    const { text } = await kept("long.md", `| n | x |\n| --- | --- |\n${rows.join("\n")}\n`);
    expect(text.trimEnd().split("\n")).toHaveLength(20_002);
    expect(text.trimEnd().endsWith("| 19999 | x   |")).toBe(true);
  });

  it("that cannot be formatted is there as it came, and the failure is told", async () => {
    const { text, error } = await kept("broken.json", '{ "a": ');
    expect(text).toBe('{ "a": ');
    expect(error).toBeInstanceOf(Error);
  });
});

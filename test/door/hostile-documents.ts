import { readdirSync, readFileSync } from "node:fs";

/** A document of the corpus, and how it is sent. */
export interface HostileDocument {
  readonly name: string;
  /** What it is to be answered. Empty: an error of any code. */
  readonly code: string;
  readonly query: string;
  readonly variables: Record<string, unknown>;
  readonly operationName: string | undefined;
  readonly method: string;
}

const folder = new URL("hostile-documents/", import.meta.url);
const heading = /^# (code|variables|repeat|method|operation): (.*)\n/;

/**
 * All documents of the corpus. The comments at their top say what each is answered and how it is sent; what is repeated in them
 * stands there once: `⟦3|a%i ⟧` is `a0 a1 a2 `, and `%n` is the number after `%i`.
 */
export function readHostileDocuments(): HostileDocument[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".graphql"))
    .map((file) => readHostile(file.replace(/\.graphql$/, ""), readFileSync(new URL(file, folder), "utf8")));
}

function readHostile(name: string, text: string): HostileDocument {
  const heads = new Map<string, string>();
  let body = text;
  for (let found = heading.exec(body); found !== null; found = heading.exec(body)) {
    heads.set(found[1] ?? "", found[2] ?? "");
    body = body.slice(found[0].length);
  }
  const [, list, count, item = "null"] = /^(\w+) (\d+) (.+)$/.exec(heads.get("repeat") ?? "") ?? [];
  const repeated = list === undefined ? {} : { [list]: Array<unknown>(Number(count)).fill(JSON.parse(item)) };
  return {
    ...{ name, code: heads.get("code") ?? "", query: writtenOut(body) },
    variables: { ...JSON.parse(heads.get("variables") ?? "{}"), ...repeated },
    operationName: heads.get("operation"),
    method: heads.get("method") ?? "POST",
  };
}

function writtenOut(body: string): string {
  return body.replaceAll(/⟦(\d+)\|([^⟧]*)⟧/g, (_, count: string, part: string) =>
    Array.from({ length: Number(count) }, (_unused, index) =>
      part.replaceAll("%i", String(index)).replaceAll("%n", String(index + 1)),
    ).join(""),
  );
}

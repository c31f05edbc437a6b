import { readFile } from "node:fs/promises";
import { buildSchema, parse, validate } from "graphql";
import { describe, expect, it } from "vitest";
import { makeToken, tokenKinds } from "../../src/access/token-format.ts";
import { ApiTokenKind } from "../../src/generated/prisma/enums.ts";
import { newId } from "../../src/tenants/ids.ts";

const page = await readFile("docs/access.md", "utf8");

describe("docs/access.md", () => {
  it("lists every kind of token, and no other", () => {
    const listed = [...page.matchAll(/^\| `([A-Z]+)`/gm)].map(([, kind = ""]) => kind);
    expect(listed.toSorted()).toEqual(Object.keys(ApiTokenKind).toSorted());
    expect(tokenKinds.map((kind) => kind.toUpperCase()).toSorted()).toEqual(listed.toSorted());
  });

  it("has a mutation that the API takes", async () => {
    const [, document = ""] = /```graphql\n(.*?)```/s.exec(page) ?? [];
    const schema = buildSchema(await readFile("schema.graphql", "utf8"));
    expect(document).toContain("createApiToken");
    expect(validate(schema, parse(document))).toEqual([]);
  });

  it("has a pattern that finds a token of every kind in a text", () => {
    const [, pattern = ""] = /```text\n(.*?)\n```/s.exec(page) ?? [];
    for (const kind of tokenKinds) {
      const token = makeToken({ kind, id: newId("tok") });
      expect(new RegExp(pattern).exec(`TOKEN="${token}" # ours`)?.[0]).toBe(token);
    }
  });
});

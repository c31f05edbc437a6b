import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readConfig } from "../../src/config.ts";
import { openApi } from "../../src/open-api.ts";
import { makeTemporaryFolder } from "../database/temporary-folder.ts";
import { createWorld, type World } from "../world.ts";

let world: World;
let folder: Awaited<ReturnType<typeof makeTemporaryFolder>>;

beforeAll(async () => {
  world = await createWorld();
  folder = await makeTemporaryFolder("loci-trusted-");
});

afterAll(async () => {
  await world?.close();
  await folder?.remove();
});

async function open(content: string, environment: NodeJS.ProcessEnv = {}) {
  const file = path.join(folder.path, "documents.json");
  await writeFile(file, content);
  const config = readConfig({ LOCI_TRUSTED_DOCUMENTS: file, ...environment });
  return openApi(config, { world, log: pino({ level: "silent" }), authenticate: world.authenticate });
}

function listOf(...documents: string[]) {
  const hashed = documents.map((text) => [createHash("sha256").update(text).digest("hex"), text]);
  return JSON.stringify(Object.fromEntries(hashed));
}

describe("a file of trusted documents", () => {
  it("is taken when every document is under its own hash and fits the schema", async () => {
    const { door } = await open(
      listOf("{ tenants { edges { cursor } } }", "query Q { installation { __typename } }"),
    );
    expect(door?.trustedDocuments?.size).toBe(2);
  });

  it.each([
    ["no JSON", "not json", /not a JSON object/],
    ["a list", "[]", /not a JSON object/],
    ["another hash", JSON.stringify({ ["0".repeat(64)]: "{ __typename }" }), /another SHA-256/],
    ["a field that is not there", listOf("{ tenantz }"), /does not fit/],
    ["a document that would be refused", listOf(`{${" __typename".repeat(21)} }`), /fields of the root/],
  ])("keeps Loci from starting when it holds %s", async (_what, content, words) => {
    await expect(open(content)).rejects.toThrow(words);
  });

  it("keeps Loci from starting when it is not there", async () => {
    await expect(open("{}", { LOCI_TRUSTED_DOCUMENTS: `${folder.path}/none` })).rejects.toThrow(/ENOENT/);
  });
});

describe("development", () => {
  it("is when the built-in emulator is upstream, and at no other time", async () => {
    expect((await open("{}")).door?.isDevelopment).toBe(true);
    expect((await open("{}", { MEM0_API_KEY: "m0-x" })).door?.isDevelopment).toBe(false);
  });
});

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { resources } from "../../src/emulator/resources.ts";
import { documentedOperations, openApi } from "./openapi.ts";
import { startRig } from "./rig.ts";

const readme = readFileSync("src/emulator/README.md", "utf8");
const built = resources.flatMap(({ routes }) => routes.map(({ method, path }) => `${method} ${path}`));

/** What the README claims: the lines of its section "Operations" that begin with a method. */
const claimed = (readme.split("## Operations")[1]?.split("\n## ")[0] ?? "")
  .split("\n")
  .filter((line) => /^(?:GET|POST|PUT|PATCH|DELETE) \//.test(line));

describe("the operations", () => {
  it("that the README claims are exactly those that are built", () => {
    expect([...claimed].toSorted()).toEqual([...built].toSorted());
  });

  it.skipIf(openApi === null)("of Mem0's OpenAPI file are 55, and the README claims every one", () => {
    expect(documentedOperations).toHaveLength(55);
    const missing = documentedOperations.map(({ name }) => name).filter((name) => !claimed.includes(name));
    expect(missing).toEqual([]);
  });

  it.skipIf(openApi === null)(
    "of Mem0's OpenAPI file all answer: no 501, no 405, no 500, also for things that do not exist",
    async () => {
      const rig = await startRig();
      const unknown = "00000000-0000-4000-8000-000000000000";
      for (const { method, path, name } of documentedOperations) {
        const filled = path.replace("{entity_type}", "user").replace("/{entity_id}", "/7");
        const reply = await rig.call(
          method,
          filled.replaceAll(/\{\w+\}/g, unknown),
          method === "GET" ? undefined : {},
        );
        expect([501, 405, 500], `${name} answered ${reply.status}`).not.toContain(reply.status);
      }
    },
  );

  it("without their last slash are never done: a 301 for reads, a 404 for the rest", async () => {
    const rig = await startRig();
    for (const path of ["/v1/exports/get", "/v1/users", "/v2/profiles/jobs", "/v1/summary"]) {
      expect(await rig.call("POST", path, {})).toMatchObject({ status: 404, body: { detail: "Not found." } });
    }
    expect((await rig.call("GET", "/v2/profiles/settings")).status).toBe(301);
  });
});

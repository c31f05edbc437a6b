import { readdirSync, readFileSync } from "node:fs";
import { isInterfaceType, isObjectType } from "graphql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { schema } from "../../src/schema/schema.ts";
import { handMade, type Target } from "../schema/mem0-write-cases.ts";
import { requestsOf, tenantWithMemories } from "../schema/memory-rig.ts";
import { createWorld, type World } from "../world.ts";
import { operationCases } from "./operation-cases.ts";
import { readOperations } from "./operations-table.ts";

const rows = readOperations();

/** The functions of the client that call Mem0: those that take it first. */
function clientFunctions(): string[] {
  const folder = new URL("../../src/mem0/", import.meta.url);
  return readdirSync(folder).flatMap((file) =>
    [
      ...readFileSync(new URL(file, folder), "utf8").matchAll(
        /^export async function (\w+)\(\s*mem0: Mem0\b/gm,
      ),
    ].map(([, name = ""]) => name),
  );
}

describe("the table of operations", () => {
  it("has the 37 operations and those that Mem0 documents besides, each once", () => {
    expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 42 }, (_, index) => index + 1));
    const fields = rows.map(({ field }) => `${field.type}.${field.name}`);
    expect(new Set(fields).size).toBe(fields.length);
  });

  it("names every function of the client that calls Mem0, and no other", () => {
    // One of them serves two rows: Mem0 has no way to get one webhook, it is looked for in the list.
    expect([...new Set(rows.map(({ client }) => client))].sort()).toEqual(clientFunctions().sort());
  });

  it.each(rows)("names a field that there is: $field.type.$field.name", ({ field: { type, name } }) => {
    const found = schema.getType(type);
    if (!isObjectType(found) && !isInterfaceType(found)) throw new Error(`There is no type ${type}.`);
    expect(Object.keys(found.getFields())).toContain(name);
  });
});

describe("every operation, executed through the public API", () => {
  let world: World;

  beforeAll(async () => {
    world = await createWorld();
    await world.emulator.registerUser("newcomer@acme.test");
  });
  afterAll(() => world?.close());

  it.each(rows)(
    "$number: $operation is $method $path, once, and answers what Mem0 has",
    async ({ number, field, method, path }) => {
      const operation = operationCases.find((one) => one.field === `${field.type}.${field.name}`);
      if (operation === undefined) throw new Error(`Operation ${number} is not tried.`);
      const tenant = await tenantWithMemories(world);
      const target: Target = await handMade(world);
      const ready = await operation.prepare({ world, tenant, target });
      await world.emulator.clearRequests();
      const answer = await operation.ask({ world, tenant, target }, ready);
      const sent = await requestsOf(world);
      const expected = operation.sends({ world, tenant, target }, ready);
      const ids = { ...expected.ids };
      const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(ids[name] ?? ""));
      const calls = sent.filter((request) => request.method === method && request.path === filled);
      expect(calls).toEqual([
        { method, path: filled, query: expected.query ?? "", body: expected.body ?? null },
      ]);
      // Beside it nothing but reads that say whose a thing is, and none of a tenant's data.
      const others = sent.filter((request) => request !== calls[0]);
      expect(others.filter((request) => request.method !== "GET")).toEqual([]);
      expect(others.map((request) => request.path)).toEqual(
        field.type === "Tenant" || !/Mem0|mem0/.test(`${field.type}${field.name}`)
          ? []
          : others.map(() => expect.stringMatching(/^\/api\/v1\/(orgs|webhooks)\//)),
      );
      operation.check(answer, await world.emulator.tables(), { world, tenant, target }, ready);
    },
  );
});

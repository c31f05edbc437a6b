import { parse, validate } from "graphql";
import { describe, expect, it } from "vitest";
import { FRESH_KEY } from "../../src/graphiql/page.ts";
import { presetTabs } from "../../src/graphiql/presets.ts";
import { schema } from "../../src/schema/schema.ts";

describe("the preset tabs", () => {
  it.each(presetTabs.map((preset) => [preset.name, preset]))("%s is valid by the schema", (_, { query }) => {
    expect(validate(schema, parse(query)).map((error) => error.message)).toEqual([]);
  });

  it("leave the idempotency key of each mutation, and nothing else, to be filled in", () => {
    const places = presetTabs.map(({ name, query }) => [
      name,
      query.split(`idempotencyKey: "${FRESH_KEY}"`).length - 1,
    ]);
    expect(Object.fromEntries(places)).toEqual({
      SignUpTenant: 1,
      LookAtTenant: 0,
      AttachProjectKey: 0,
      AddMemories: 0,
      SearchMemories: 0,
      ListTenants: 0,
      WatchOperation: 0,
      OffboardTenant: 1,
    });
  });
});

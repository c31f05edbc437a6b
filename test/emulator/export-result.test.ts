import { describe, expect, it } from "vitest";
import { exportResult } from "../../src/emulator/export-result.ts";

const texts = [
  "Alice works as a Senior Engineer",
  "Alice does not like spiders",
  "Alice is 34 years of age",
  "Alice owns 2 cats",
  "Alice worked as a Junior Engineer",
];

function property(schema: object, of: readonly string[] = texts, name = "value"): unknown {
  return exportResult({ type: "object", properties: { [name]: schema } }, of)[name];
}

describe("the result of an export", () => {
  it("has the schema's properties and no other, in its order", () => {
    const schema = { properties: { b: { type: "string" }, a: { type: "integer" } }, required: ["c"] };
    expect(Object.keys(exportResult(schema, texts))).toEqual(["b", "a"]);
    expect(exportResult({}, texts)).toEqual({});
  });

  it("answers a text with the newest that shares a word with the name, else with the description, else null", () => {
    expect(property({ type: "string" }, texts, "works")).toBe(texts[0]);
    expect(property({ type: "string" }, texts, "favouriteSpider")).toBe(texts[1]);
    expect(property({ type: "string", description: "Her cats" }, texts, "pets")).toBe(texts[3]);
    expect(property({ type: "string", description: "The user's engineer" }, texts, "spider")).toBe(texts[1]);
    expect(property({ type: "string", description: "The user" }, texts, "city")).toBeNull();
  });

  it("reads numbers and flags from such a text", () => {
    expect(property({ type: "integer" }, texts, "age")).toBe(34);
    expect(property({ type: "integer" }, ["The score is 1.5", "The score is -3"], "score")).toBe(-3);
    expect(property({ type: "number" }, ["The score is 1.5"], "score")).toBe(1.5);
    expect(property({ type: "number" }, texts, "height")).toBeNull();
    expect(property({ type: "boolean" }, texts, "spiders")).toBe(false);
    expect(property({ type: "boolean" }, texts, "cats")).toBe(true);
    expect(property({ type: "boolean" }, texts, "dogs")).toBeNull();
  });

  it("answers a list of texts with all of them, and a list of objects with those that say something", () => {
    expect(property({ type: "array", items: { type: "string" } })).toEqual(texts);
    const item = { type: "object", properties: { engineer: { type: "string" } } };
    expect(property({ type: "array", items: item })).toEqual([
      { engineer: texts[0] },
      { engineer: texts[4] },
    ]);
    expect(property({ type: "array", items: { type: "integer" } }, texts, "ages")).toEqual([34]);
  });

  it("fills objects below, and takes the word of an enum that a text says", () => {
    const profile = { type: "object", properties: { age: { type: "integer" }, city: { type: "string" } } };
    expect(property(profile)).toEqual({ age: 34, city: null });
    expect(property({ enum: ["Junior Designer", "Junior Engineer"] })).toBe("Junior Engineer");
    expect(property({ enum: ["Pilot"] })).toBeNull();
    expect(property({ const: 7 })).toBe(7);
  });

  it("follows references and optional kinds as pydantic writes them", () => {
    const schema = {
      $defs: { Pet: { properties: { cats: { type: "integer" } }, type: "object" } },
      properties: {
        pet: { $ref: "#/$defs/Pet" },
        pets: { anyOf: [{ type: "array", items: { $ref: "#/$defs/Pet" } }, { type: "null" }] },
        age: { anyOf: [{ type: "null" }, { type: "integer" }] },
      },
    };
    expect(exportResult(schema, texts)).toEqual({ pet: { cats: 2 }, pets: [{ cats: 2 }], age: 34 });
  });

  it("comes to an end where a schema refers to itself or to nothing", () => {
    const schema = {
      $defs: { Loop: { $ref: "#/$defs/Loop" }, Person: { properties: { boss: { $ref: "#/$defs/Person" } } } },
      properties: {
        loop: { $ref: "#/$defs/Loop" },
        person: { $ref: "#/$defs/Person" },
        gone: { $ref: "#/$defs/Gone" },
        far: { $ref: "https://schemas.test/far" },
      },
    };
    const result = exportResult(schema, ["nothing of it"]);
    expect(Object.keys(result)).toEqual(["loop", "person", "gone", "far"]);
    expect(result["gone"]).toBeNull();
    expect(JSON.stringify(result["person"])).toMatch(/^(\{"boss":){2,20}null\}+$/);
  });
});

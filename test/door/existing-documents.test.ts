import { readdirSync, readFileSync } from "node:fs";
import {
  type DocumentNode,
  type GraphQLInputType,
  getIntrospectionQuery,
  isEnumType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  Kind,
  type OperationDefinitionNode,
  typeFromAST,
} from "graphql";
import { describe, expect, it } from "vitest";
import { PriceList } from "../../src/door/cost.ts";
import { costLimits } from "../../src/door/limits.ts";
import { DocumentReader } from "../../src/door/read-document.ts";
import { presetTabs } from "../../src/graphiql/presets.ts";
import { schema } from "../../src/schema/schema.ts";
import { operationFields, tenantFields } from "../main-job.ts";

const priceList = new PriceList(schema);
const reader = new DocumentReader(schema);

/** The documents of the examples, which callers would send. */
function exampleDocuments(): [string, string][] {
  const folder = new URL("../../examples/", import.meta.url);
  return readdirSync(folder)
    .filter((name) => name.endsWith(".ts"))
    .flatMap((name) =>
      [...readFileSync(new URL(name, folder), "utf8").matchAll(/\bgql`([^`]*)`/g)].map(
        ([, text = ""], index): [string, string] => [`${name} ${index + 1}`, text],
      ),
    );
}

/** Some value of a type, pages as large as they can be. */
function sampleOf(type: GraphQLInputType, name: string): unknown {
  if (isNonNullType(type)) return sampleOf(type.ofType, name);
  if (isListType(type)) return [sampleOf(type.ofType, name)];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (isInputObjectType(type))
    return Object.fromEntries(
      Object.values(type.getFields())
        .filter((field) => isNonNullType(field.type) && field.defaultValue === undefined)
        .map((field) => [field.name, sampleOf(field.type, field.name)]),
    );
  if (type.name === "Int") return name === "topK" ? 10 : 100;
  if (type.name === "Float") return 0.5;
  if (type.name === "Boolean") return true;
  if (type.name === "DateTime") return "2026-01-01T00:00:00.000Z";
  return type.name === "JSON" ? {} : "x";
}

function costOfAll(document: DocumentNode): number[] {
  return document.definitions
    .filter((one): one is OperationDefinitionNode => one.kind === Kind.OPERATION_DEFINITION)
    .map((operation) => {
      const given = (operation.variableDefinitions ?? []).map(({ variable, type }) => {
        const known = typeFromAST(schema, type);
        if (!isInputType(known)) throw new Error(`There is no such type of $${variable.name.value}.`);
        return [variable.name.value, sampleOf(known, variable.name.value)];
      });
      return priceList.costOf(document, operation, Object.fromEntries(given));
    });
}

describe("what callers send", () => {
  it.each([
    ...exampleDocuments(),
    ...presetTabs.map(({ name, query }): [string, string] => [`preset ${name}`, query]),
    [
      "the main job",
      `{ tenant(key: "a") { ${tenantFields} } operations { edges { node { ${operationFields} } } } }`,
    ],
  ])("passes with room, pages of 100 included: %s", (_name, text) => {
    const { document, problems } = reader.read(text);
    expect(problems).toEqual([]);
    for (const cost of costOfAll(document)) expect(cost).toBeLessThan(costLimits.others / 4);
  });

  it.each([
    ["by default", getIntrospectionQuery()],
    [
      "with all there is",
      getIntrospectionQuery({
        ...{ descriptions: true, specifiedByUrl: true, directiveIsRepeatable: true },
        ...{ schemaDescription: true, inputValueDeprecation: true, oneOf: true },
      }),
    ],
  ])("passes when it is GraphiQL's question for the schema, %s", (_how, text) => {
    const read = reader.read(text);
    expect(read.problems).toEqual([]);
    expect(read.isIntrospecting).toBe(true);
  });
});

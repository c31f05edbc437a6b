import { beforeAll, describe, expect, it } from "vitest";
import { startEmulator } from "../../src/emulator/emulator.ts";
import { converted, corrections, misfits } from "./answer-shapes.ts";
import { documentedOperations, openApi, type Schema } from "./openapi.ts";
import { Rig } from "./rig.ts";
import { type WalkedAnswer, walk } from "./walk.ts";

/** The paths of the documented properties that an answer of this schema shows, and of all it could show. */
function propertiesOf(schema: Schema, body: unknown, at = ""): { shown: string[]; all: string[] } {
  const found = { shown: [] as string[], all: [] as string[] };
  const visit = (inner: unknown, value: unknown, place: string): void => {
    const { shown, all } = propertiesOf(inner as Schema, value, place);
    found.shown.push(...shown);
    found.all.push(...all);
  };
  const choices = [schema["oneOf"], schema["anyOf"]].find(Array.isArray) ?? [];
  for (const choice of choices) visit(choice, body, at);
  if (schema["items"] !== undefined) {
    for (const item of Array.isArray(body) && body.length > 0 ? body : [undefined]) {
      visit(schema["items"], item, `${at}[]`);
    }
  }
  for (const [name, property] of Object.entries((schema["properties"] ?? {}) as Record<string, unknown>)) {
    const place = `${at}.${name}`;
    const value = typeof body === "object" && body !== null ? Reflect.get(body, name) : undefined;
    found.all.push(place);
    if (value !== undefined) found.shown.push(place);
    visit(property, value, place);
  }
  return found;
}

describe.skipIf(openApi === null)("every answer, against Mem0's OpenAPI file", () => {
  let answers: readonly WalkedAnswer[] = [];

  beforeAll(async () => {
    const emulator = await startEmulator();
    try {
      answers = await walk(new Rig(emulator.url, emulator.apiKey));
    } finally {
      await emulator.close();
    }
  });

  it("has the documented shape", () => {
    expect(misfits(answers)).toEqual([]);
  });

  it("was asked for: each status that the document has for each of the 55 operations", () => {
    const met = new Set(answers.map(({ operation, status }) => `${operation} ${status}`));
    const wanted = documentedOperations.flatMap(({ name, statuses }) =>
      statuses.map((status) => `${name} ${status}`),
    );
    expect(wanted.length).toBeGreaterThan(100);
    expect(wanted.filter((name) => !met.has(name))).toEqual([]);
  });

  it("shows every property that the document has, in one answer or another", () => {
    const missing = documentedOperations.flatMap(({ name, schemas }) =>
      Object.entries(schemas).flatMap(([status, schema]) => {
        const bodies = answers.filter(
          (answer) => `${answer.operation} ${answer.status}` === `${name} ${status}`,
        );
        const seen = bodies.map(({ body }) => propertiesOf(converted(schema, []), body));
        const shown = new Set(seen.flatMap((each) => each.shown));
        const all = new Set(seen.flatMap((each) => each.all));
        return [...all].filter((place) => !shown.has(place)).map((place) => `${name} ${status} ${place}`);
      }),
    );
    expect(missing).toEqual([]);
  });

  it("needs every correction of the document that stands here", () => {
    const needless = corrections.filter(
      (correction) =>
        misfits(
          answers,
          corrections.filter((other) => other !== correction),
        ).length === 0,
    );
    expect(needless).toEqual([]);
  });
});

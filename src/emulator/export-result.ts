type Schema = Readonly<Record<string, unknown>>;

/** What a property asks of the texts: its own words, and those of its description. */
interface Wanted {
  readonly name: ReadonlySet<string>;
  readonly description: ReadonlySet<string>;
}

/** A schema may refer to itself; nobody nests deeper than this by hand. */
const depthMax = 12;

/**
 * What an export answers: an object with the properties of this JSON schema, filled from the texts, newest first. The
 * real service lets a language model do that; here one rule does, the same for the same input. A list of texts gets
 * all of them; a text the newest one that shares a word with the property's name, or else with its description; a
 * number what such a text has of digits; a flag whether such a text says it without a "not"; a list of objects one
 * for every text that fills some of it. What is not found is null. References inside the schema, and the first kind
 * of `anyOf` that is not null, are followed, as pydantic writes them.
 */
export function exportResult(schema: Schema, texts: readonly string[]): Readonly<Record<string, unknown>> {
  return new Export(schema).object(schema, texts, 0);
}

class Export {
  readonly #root: Schema;

  constructor(root: Schema) {
    this.#root = root;
  }

  object(schema: Schema, texts: readonly string[], depth: number): Readonly<Record<string, unknown>> {
    const properties = objectOf(this.#resolve(schema)["properties"]) ?? {};
    return Object.fromEntries(
      Object.entries(properties).map(([name, property]) => [
        name,
        this.#value(name, objectOf(property) ?? {}, texts, depth + 1),
      ]),
    );
  }

  #value(name: string, given: Schema, texts: readonly string[], depth: number): unknown {
    if (depth > depthMax) return null;
    const schema = this.#resolve(given);
    const description = typeof schema["description"] === "string" ? schema["description"] : "";
    const wanted: Wanted = { name: wordsOf(name), description: wordsOf(description) };
    if ("const" in schema) return schema["const"];
    if (Array.isArray(schema["enum"])) return namedIn(texts, schema["enum"]);
    switch (kindOf(schema)) {
      case "array":
        return this.#list(name, this.#resolve(objectOf(schema["items"]) ?? {}), texts, depth);
      case "object":
        return this.object(schema, texts, depth);
      case "null":
        return null;
      case "number":
        return first(meeting(texts, wanted), (text) => numberIn(text, /-?\d+(\.\d+)?/));
      case "integer":
        return first(meeting(texts, wanted), (text) => numberIn(text, /(?<![\d.])-?\d+(?!\.?\d)/));
      case "boolean":
        return first(meeting(texts, wanted), isAffirmed);
      default:
        return meeting(texts, wanted)[0] ?? null;
    }
  }

  #list(name: string, items: Schema, texts: readonly string[], depth: number): readonly unknown[] {
    const kind = kindOf(items);
    if (kind === "string" && !Array.isArray(items["enum"])) return texts;
    if (kind === "object") {
      return texts.map((text) => this.object(items, [text], depth)).filter(holdsSomething);
    }
    return texts.map((text) => this.#value(name, items, [text], depth + 1)).filter((value) => value !== null);
  }

  /** The schema that is meant: through references, `allOf`, and the first of several kinds that is not null. */
  #resolve(schema: Schema): Schema {
    let found = schema;
    for (let steps = 0; steps < depthMax; steps += 1) {
      const next = this.#next(found);
      if (next === undefined) return found;
      const { $ref: _, allOf: _all, anyOf: _any, oneOf: _one, ...beside } = found;
      found = { ...next, ...beside };
    }
    return found;
  }

  #next(schema: Schema): Schema | undefined {
    const { $ref: reference, allOf, anyOf, oneOf } = schema;
    if (typeof reference === "string") return this.#referred(reference);
    const choices = [allOf, anyOf, oneOf].find((list) => Array.isArray(list) && list.length > 0);
    if (!Array.isArray(choices)) return undefined;
    const schemas = choices.map(objectOf).filter((choice) => choice !== undefined);
    return schemas.find((choice) => choice["type"] !== "null") ?? schemas[0];
  }

  #referred(reference: string): Schema | undefined {
    if (!reference.startsWith("#/")) return undefined;
    let found: Schema | undefined = this.#root;
    for (const part of reference.slice(2).split("/")) {
      found = found && Object.hasOwn(found, part) ? objectOf(found[part]) : undefined;
    }
    return found;
  }
}

function kindOf(schema: Schema): string {
  const { type } = schema;
  if (Array.isArray(type)) return String(type.find((kind) => kind !== "null") ?? "null");
  if (typeof type === "string") return type;
  if (objectOf(schema["properties"]) !== undefined) return "object";
  return objectOf(schema["items"]) === undefined ? "string" : "array";
}

/** The texts that share a word with the name, newest first; if none does, those that share one with the description. */
function meeting(texts: readonly string[], wanted: Wanted): readonly string[] {
  const sharing = (words: ReadonlySet<string>): readonly string[] =>
    texts.filter((text) => [...wordsOf(text)].some((word) => words.has(word)));
  const byName = sharing(wanted.name);
  return byName.length > 0 ? byName : sharing(wanted.description);
}

function namedIn(texts: readonly string[], values: readonly unknown[]): unknown {
  for (const text of texts) {
    const words = wordsOf(text);
    const named = values.find((value) => {
      const wanted = [...wordsOf(String(value))];
      return wanted.length > 0 && wanted.every((word) => words.has(word));
    });
    if (named !== undefined) return named;
  }
  return null;
}

function first<Found>(texts: readonly string[], find: (text: string) => Found | null): Found | null {
  for (const text of texts) {
    const found = find(text);
    if (found !== null) return found;
  }
  return null;
}

function numberIn(text: string, pattern: RegExp): number | null {
  const written = pattern.exec(text)?.[0];
  return written === undefined ? null : Number(written);
}

function isAffirmed(text: string): boolean {
  return !/\b(not?|never|cannot|without)\b|n['’]t\b/i.test(text);
}

/** Words that stand in every other memory or description and so say nothing. */
const empty = new Set([
  "the",
  "and",
  "for",
  "with",
  "that",
  "this",
  "from",
  "their",
  "his",
  "her",
  "its",
  "user",
]);

/** The words of a text or of a name in any spelling (`fullName`, `full_name`), lower case, singular. */
function wordsOf(text: string): ReadonlySet<string> {
  const apart = text.replace(/(\p{Ll})(\p{Lu})/gu, "$1 $2").toLowerCase();
  const words = (apart.match(/[\p{L}\p{N}]+/gu) ?? []).map((word) =>
    word.length > 3 && word.endsWith("s") && !word.endsWith("ss") ? word.slice(0, -1) : word,
  );
  return new Set(words.filter((word) => word.length > 2 && !empty.has(word)));
}

function holdsSomething(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === "object" && value !== null) return Object.values(value).some(holdsSomething);
  return value !== null;
}

function objectOf(value: unknown): Schema | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  // A JSON object has string keys and unknown values.
  return value as Schema;
}

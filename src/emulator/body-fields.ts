import { refusalFields } from "./refusal.ts";

/** What a text field must keep to. Lengths in characters (code points, as Python counts). */
export interface TextRule {
  readonly isRequired: boolean;
  readonly lengthMax?: number;
}

/**
 * Reads the fields of a body as Django REST Framework's serializers do, collecting what is wrong by field, in its
 * words (inferred: the service is built on it). A field that is wrong or absent reads as null.
 */
export class BodyFields {
  readonly errors: Record<string, unknown> = {};
  readonly #body: Readonly<Record<string, unknown>>;

  constructor(body: Readonly<Record<string, unknown>>) {
    this.#body = body;
  }

  get areValid(): boolean {
    return Object.keys(this.errors).length === 0;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#body, name);
  }

  /** The value as it was sent; undefined when it was not. */
  raw(name: string): unknown {
    return this.#body[name];
  }

  /** A text that is not blank, without the space around it. */
  text(name: string, { isRequired, lengthMax = Number.POSITIVE_INFINITY }: TextRule): string | null {
    const value = this.#body[name];
    if (value === undefined) return isRequired ? this.fault(name, "This field is required.") : null;
    if (value === null) return this.fault(name, "This field may not be null.");
    if (typeof value !== "string" && typeof value !== "number") {
      return this.fault(name, "Not a valid string.");
    }
    const text = String(value).trim();
    if (text === "") return this.fault(name, "This field may not be blank.");
    if ([...text].length > lengthMax) {
      return this.fault(name, `Ensure this field has no more than ${lengthMax} characters.`);
    }
    return text;
  }

  /** One of these words. */
  choice<Value extends string>(name: string, choices: readonly Value[]): Value | null {
    const value = this.#body[name];
    if (value === undefined) return this.fault(name, "This field is required.");
    const chosen = choices.find((choice) => choice === value);
    if (chosen === undefined) return this.fault(name, invalidChoice(value));
    return chosen;
  }

  /** A list of these words; a wrong one is named by its place. */
  choices(name: string, choices: readonly string[], isRequired: boolean): readonly string[] | null {
    const value = this.#body[name];
    if (value === undefined) return isRequired ? this.fault(name, "This field is required.") : null;
    if (!Array.isArray(value)) {
      return this.fault(name, `Expected a list of items but got type "${pythonType(value)}".`);
    }
    const wrong: Record<string, readonly string[]> = {};
    const chosen: string[] = [];
    for (const [index, item] of value.entries()) {
      if (typeof item === "string" && choices.includes(item)) chosen.push(item);
      else wrong[String(index)] = [invalidChoice(item)];
    }
    if (Object.keys(wrong).length === 0) return chosen;
    this.errors[name] = wrong;
    return null;
  }

  /** true or false. */
  flag(name: string): boolean | null {
    const value = this.#body[name];
    if (value === undefined) return null;
    return typeof value === "boolean" ? value : this.fault(name, "Must be a valid boolean.");
  }

  /** @throws {Refusal} 400 with the faults by field, when there are any. */
  refuseInvalid(): void {
    if (!this.areValid) throw refusalFields(this.errors);
  }

  /** Notes what is wrong with the field. */
  fault(name: string, reason: string): null {
    this.errors[name] = [reason];
    return null;
  }
}

/** What Python calls the type of a JSON value: the real service says it in its errors. */
export function pythonType(value: unknown): string {
  if (value === null) return "NoneType";
  if (Array.isArray(value)) return "list";
  if (typeof value === "string") return "str";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float";
  return "dict";
}

function invalidChoice(value: unknown): string {
  return `"${typeof value === "string" ? value : JSON.stringify(value)}" is not a valid choice.`;
}

/** A control request that cannot be done. The answer names the field. */
export class ControlRefused extends Error {
  override readonly name = "ControlRefused";
  readonly status: number;
  readonly field: string | null;

  constructor(field: string | null, message: string, status = 400) {
    super(message);
    this.field = field;
    this.status = status;
  }
}

/** Reads the fields of a control request, and refuses the first that is unknown, absent or of the wrong kind. */
export class ControlInput {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #prefix: string;

  /** @throws {ControlRefused} when this is not an object, or has a field that is not among the allowed ones. */
  constructor(value: unknown, allowed: readonly string[], prefix = "") {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      const field = prefix === "" ? null : prefix.slice(0, -1);
      throw new ControlRefused(field, `${field ?? "The body"} must be a JSON object.`);
    }
    for (const name of Object.keys(value)) {
      if (allowed.includes(name)) continue;
      throw new ControlRefused(`${prefix}${name}`, `Unknown field "${prefix}${name}".`);
    }
    // A JSON object has string keys and unknown values.
    this.#fields = value as Record<string, unknown>;
    this.#prefix = prefix;
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined;
  }

  raw(name: string): unknown {
    return this.#fields[name];
  }

  text(name: string): string {
    const value = this.#fields[name];
    if (typeof value !== "string" || value === "") throw this.refusal(name, "must be a text");
    return value;
  }

  optionalText(name: string): string | undefined {
    return this.has(name) ? this.text(name) : undefined;
  }

  wholeNumber(name: string, min: number, max: number): number {
    const value = this.#fields[name];
    if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
      throw this.refusal(name, `must be a whole number from ${min} to ${max}`);
    }
    return value;
  }

  flag(name: string, absent: boolean): boolean {
    const value = this.#fields[name] ?? absent;
    if (typeof value !== "boolean") throw this.refusal(name, "must be true or false");
    return value;
  }

  oneOf<Value extends string>(name: string, values: readonly Value[]): Value {
    const value = values.find((allowed) => allowed === this.#fields[name]);
    if (value === undefined) throw this.refusal(name, `must be one of ${values.join(", ")}`);
    return value;
  }

  /** A date in epoch milliseconds. */
  dateMs(name: string): number {
    const epochMs = Date.parse(this.text(name));
    if (Number.isNaN(epochMs)) throw this.refusal(name, "must be an ISO 8601 date");
    return epochMs;
  }

  /** An object below this one; its fields are named with a dot. */
  object(name: string, allowed: readonly string[]): ControlInput {
    return new ControlInput(this.#fields[name], allowed, `${this.#prefix}${name}.`);
  }

  /** A list of objects below this one; empty when absent. */
  objects(name: string, allowed: readonly string[]): readonly ControlInput[] {
    const value = this.#fields[name] ?? [];
    if (!Array.isArray(value)) throw this.refusal(name, "must be a list");
    return value.map((item, index) => new ControlInput(item, allowed, `${this.#prefix}${name}.${index}.`));
  }

  refusal(name: string, reason: string): ControlRefused {
    const field = `${this.#prefix}${name}`;
    return new ControlRefused(field, `"${field}" ${reason}.`);
  }
}

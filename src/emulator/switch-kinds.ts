/** A switch: its default, what it may be in words, and how a value of it is recognised. */
export interface SwitchKind<Value> {
  readonly initial: Value;
  readonly allowed: string;
  /** The value, if it is one; else undefined. */
  parse(value: unknown): Value | undefined;
}

/** A day; milliseconds. The longest that most switches can make anybody wait. */
export const dayMs = 86_400_000;

/** On or off. */
export function flag(initial: boolean): SwitchKind<boolean> {
  return {
    initial,
    allowed: "true or false",
    parse: (value) => (typeof value === "boolean" ? value : undefined),
  };
}

/** A whole number within both bounds. */
export function wholeNumber(initial: number, min: number, max: number): SwitchKind<number> {
  return {
    initial,
    allowed: `a whole number from ${min} to ${max}`,
    parse: (value) =>
      typeof value === "number" && Number.isInteger(value) && value >= min && value <= max
        ? value
        : undefined,
  };
}

/** One of a few words. The first of them is the default. */
export function oneOf<const Value extends string>(values: readonly [Value, ...Value[]]): SwitchKind<Value> {
  return {
    initial: values[0],
    allowed: `one of ${values.join(", ")}`,
    parse: (value) => values.find((allowed) => allowed === value),
  };
}

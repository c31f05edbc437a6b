/*
 * Mem0's filter language as its documents and their corrections describe it, written without a look at our writer of it,
 * and what a filter means for a record in both languages.
 */

type Json = Readonly<Record<string, unknown>>;

const entityKeys = ["user_id", "agent_id", "app_id", "run_id"];
const dateKeys = ["created_at", "updated_at", "timestamp", "expiration_date"];
const dateText =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?$/;

/** Everything in a filter on the wire that breaks the grammar. */
export function breaches(filter: unknown, call: "list" | "search" | "export"): string[] {
  const found = objectBreaches(filter, call);
  if (!isScoped(filter)) found.push("nobody is named");
  if (call === "export" && Object.keys(asObject(filter)).join() !== "AND")
    found.push("an export without AND");
  return found;
}

function objectBreaches(filter: unknown, call: string): string[] {
  if (typeof filter !== "object" || filter === null || Array.isArray(filter)) return ["not an object"];
  const keys = Object.keys(filter);
  if (keys.length === 0) return ["empty object"];
  const found = keys.includes("AND") && keys.includes("OR") ? ["AND beside OR"] : [];
  for (const [key, value] of Object.entries(filter)) {
    if (["AND", "OR", "NOT"].includes(key)) {
      if (!Array.isArray(value) || value.length === 0) found.push(`${key} is no list of something`);
      else found.push(...value.flatMap((inner: unknown) => objectBreaches(inner, call)));
    } else if (key === "keywords" && call !== "list") found.push("keywords outside a list");
    else if (!isFieldAllowed(key, value)) found.push(`${key}: ${JSON.stringify(value)}`);
  }
  return found;
}

function isFieldAllowed(key: string, value: unknown): boolean {
  if (entityKeys.includes(key))
    return isText(value) || hasOnly(value, { eq: isText, ne: isText, in: isNames });
  if (dateKeys.includes(key)) {
    const list = (inner: unknown) => isList(inner, isDate);
    return (
      isDate(value) ||
      hasOnly(value, { gt: isDate, gte: isDate, lt: isDate, lte: isDate, ne: isDate, in: list })
    );
  }
  if (key === "categories") return hasOnly(value, { in: isTexts, contains: isText });
  if (key === "keywords") return hasOnly(value, { contains: isText, icontains: isText });
  if (key === "memory_ids") return isTexts(value) || hasOnly(value, { in: isTexts });
  if (key !== "metadata" || typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const conditions = Object.values(value);
  const isCondition = (inner: unknown) =>
    isScalar(inner) || hasOnly(inner, { eq: isScalar, ne: isScalar, contains: isText });
  return conditions.length > 0 && conditions.every(isCondition);
}

function hasOnly(value: unknown, checks: Readonly<Record<string, (inner: unknown) => boolean>>): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  return (
    entries.length > 0 &&
    entries.every(([key, inner]) => Object.hasOwn(checks, key) && checks[key]?.(inner) === true)
  );
}

function isList(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isItem);
}

const isText = (value: unknown) => typeof value === "string" && value.trim() !== "";
const isTexts = (value: unknown) => isList(value, isText);
const isNames = (value: unknown) => isList(value, (item) => isText(item) && item !== "*");
const isScalar = (value: unknown) => isText(value) || typeof value === "number" || typeof value === "boolean";
const isDate = (value: unknown) =>
  typeof value === "string" &&
  dateText.test(value) &&
  !value.startsWith("2024-02-30") &&
  !Number.isNaN(Date.parse(value));

function isScoped(filter: unknown): boolean {
  return Object.entries(asObject(filter)).some(([key, value]) => {
    if (key === "AND" || key === "OR") return Array.isArray(value) && value.some(isScoped);
    if (!entityKeys.includes(key)) return false;
    return typeof value === "string" ? value !== "*" : "eq" in asObject(value) || "in" in asObject(value);
  });
}

/** Whether a record matches a filter on the wire: siblings are ANDed, `*` is not null, `ne` is true of null. */
export function matchesWire(filter: unknown, record: Json): boolean {
  return Object.entries(asObject(filter)).every(([key, value]) => {
    const inner = Array.isArray(value) ? value : [];
    if (key === "AND") return inner.every((one) => matchesWire(one, record));
    if (key === "OR") return inner.some((one) => matchesWire(one, record));
    if (key === "NOT") return inner.length === 1 && !matchesWire(inner[0], record);
    if (key === "memory_ids") return inner.includes(record["id"]);
    if (key === "metadata") {
      return Object.entries(asObject(value)).every(([name, one]) =>
        holds(one, asObject(record["metadata"])[name]),
      );
    }
    return value === "*" ? isThere(record[key]) : holds(value, record[key]);
  });
}

const wireKeys: Readonly<Record<string, string>> = {
  userId: "user_id",
  agentId: "agent_id",
  appId: "app_id",
  runId: "run_id",
  createdAt: "created_at",
  updatedAt: "updated_at",
  timestamp: "timestamp",
  expirationDate: "expiration_date",
  categories: "categories",
  keywords: "keywords",
};

/** Whether a record matches a filter of ours: every key of an object must hold, `not` denies each of its filters. */
export function matchesOurs(filter: unknown, record: Json): boolean {
  return Object.entries(asObject(filter)).every(([key, value]) => {
    const inner = Array.isArray(value) ? value : [];
    if (key === "and") return inner.every((one) => matchesOurs(one, record));
    if (key === "or") return inner.some((one) => matchesOurs(one, record));
    if (key === "not") return inner.every((one) => !matchesOurs(one, record));
    if (key === "memoryIds") return inner.includes(record["id"]);
    if (key === "metadata") {
      return Object.entries(asObject(value)).every(([name, one]) =>
        holds(one, asObject(record["metadata"])[name]),
      );
    }
    return holds(value, record[wireKeys[key] ?? ""]);
  });
}

function holds(condition: unknown, is: unknown): boolean {
  if (typeof condition !== "object" || condition === null) return is === condition;
  const values = Array.isArray(is) ? is : [is];
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  return Object.entries(condition).every(([operator, operand]) => {
    if (operator === "eq") return is === operand;
    if (operator === "ne") return is !== operand;
    if (operator === "in") return Array.isArray(operand) && values.some((value) => operand.includes(value));
    if (operator === "isPresent") return isThere(is) === operand;
    if (operator === "contains") return values.some((value) => text(value).includes(text(operand)));
    if (operator === "icontains") return text(is).toLowerCase().includes(text(operand).toLowerCase());
    const [left, right] = [text(is), text(operand)];
    if (!isThere(is)) return false;
    if (operator === "gt") return left > right;
    if (operator === "gte") return left >= right;
    return operator === "lt" ? left < right : operator === "lte" && left <= right;
  });
}

function isThere(value: unknown): boolean {
  return value !== null && value !== undefined;
}

function asObject(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

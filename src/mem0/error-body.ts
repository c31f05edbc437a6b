import { parseUpstreamDate } from "./wire-fields.ts";

/** What an error body says, in whichever of its eight shapes. */
export interface ErrorBody {
  /** All texts, in the body's order. */
  readonly messages: readonly string[];
  /** The texts that complain of a request field, by its name; nested names are joined by a dot. */
  readonly fields: Readonly<Record<string, readonly string[]>>;
  /** All texts in one line, each with its field. */
  readonly summary: string;
  /** Whether this is the body of a spent quota (live observation: it has `quota_reset`). */
  readonly isQuotaSpent: boolean;
  /** When the quota is renewed; null when it is not such a body or the date cannot be read. */
  readonly quotaResetAt: Date | null;
}

interface FoundText {
  readonly field: string | null;
  readonly text: string;
}

const textsMax = 50;
const depthMax = 8;
/** Keys that wrap texts without being a field of the request. */
const envelopeKeys: ReadonlySet<string> = new Set(["detail", "details", "error", "errors", "message"]);

/**
 * Reads any body that came with an error status: `{detail}`, `{error}`, `{error, details: {message}}`, `{message}`,
 * `{errors: {field: [...]}}`, `{field: [...]}` (nested too), a bare array, and HTML, plain text or nothing (Mem0
 * OpenAPI and live observations). Never throws. `clean` is applied to every text and field name.
 */
export function readErrorBody(body: string, clean: (text: string) => string): ErrorBody {
  const json = parseJson(body);
  const found: FoundText[] = [];
  if (json === undefined) found.push({ field: null, text: plainText(body) });
  else collect(json, [], 0, found);
  // A JSON body in a ninth shape: better its raw text than silence.
  if (found.length === 0) found.push({ field: null, text: body });

  const texts = found
    .map(({ field, text }) => ({ field: field === null ? null : clean(field), text: clean(text) }))
    .filter(({ text }) => text !== "");
  const fields = new Map<string, string[]>();
  for (const { field, text } of texts) {
    if (field !== null) fields.set(field, [...(fields.get(field) ?? []), text]);
  }
  const attributes: Readonly<Record<string, unknown>> = isObject(json) ? json : {};
  const { quota_reset: quotaReset } = attributes;
  return {
    messages: texts.map(({ text }) => text),
    // fromEntries defines own properties, so a field called `__proto__` stays a field.
    fields: Object.fromEntries(fields),
    summary: texts.map(({ field, text }) => (field === null ? text : `${field}: ${text}`)).join(" "),
    isQuotaSpent: quotaReset !== undefined,
    quotaResetAt: typeof quotaReset === "string" ? parseUpstreamDate(quotaReset) : null,
  };
}

function collect(value: unknown, field: readonly string[], depth: number, found: FoundText[]): void {
  if (depth > depthMax || found.length >= textsMax) return;
  if (typeof value === "string") {
    found.push({ field: field.length === 0 ? null : field.join("."), text: value });
  } else if (Array.isArray(value)) {
    for (const item of value) collect(item, field, depth + 1, found);
  } else if (isObject(value)) {
    for (const [key, inner] of Object.entries(value)) {
      // The notice that unclaimed accounts get in every body is not part of the complaint (Mem0 CLI source).
      if (key === "mem0_notice") continue;
      if (envelopeKeys.has(key)) collect(inner, field, depth + 1, found);
      // A bare string beside the envelope is an attribute (`event_type`, `code`), not a complaint of a field: those
      // come in lists, or inside an envelope.
      else if (depth > 0 || typeof inner !== "string") collect(inner, [...field, key], depth + 1, found);
    }
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // Not JSON is an expected shape here: a proxy's HTML page, plain text, or nothing.
    return undefined;
  }
}

/** The title of an HTML page, else its text without tags; plain text as it is. */
function plainText(body: string): string {
  if (!/^\s*</.test(body)) return body;
  // No pattern runs past a `<`, so a page of nothing else takes no longer than its length.
  const title = /<title[^<>]*>([^<]*)<\/title>/i.exec(body)?.[1]?.trim();
  return title === undefined || title === "" ? body.replaceAll(/<[^<>]*>/g, " ") : title;
}

import { STATUS_CODES } from "node:http";
import type { z } from "zod";
import { readErrorBody } from "./error-body.ts";
import { Mem0Limited, Mem0Refused, Mem0Unanswered } from "./errors.ts";
import type { Answer } from "./exchange.ts";

/** What an error must say of the call that failed. */
export interface CallContext {
  readonly method: string;
  /** The path's template. */
  readonly path: string;
  /** The call's name in a sentence, such as `POST organizations`. */
  readonly title: string;
  /** Makes text of the upstream's fit for a message: short, on one line, without the key. */
  readonly clean: (text: string) => string;
}

/**
 * Takes a whole answer apart: the parsed body of any 2xx (Mem0's documents and service disagree on 200, 201 and
 * 204), or the error that the answer amounts to.
 *
 * @throws {Mem0Refused} for 3xx and 4xx other than 408 and 429.
 * @throws {Mem0Limited} for 429.
 * @throws {Mem0Unanswered} for 408, 5xx, and a 2xx that is not JSON or not in the expected shape.
 */
export function readAnswer<Output>(
  answer: Answer,
  expected: z.ZodType<Output>,
  context: CallContext,
): Output {
  const { status } = answer;
  if (status < 300) return readResult(answer, expected, context);
  const { method, path, title, clean } = context;
  const { summary, messages, fields, isQuotaSpent, quotaResetAt } = readErrorBody(answer.body, clean);
  // A body without any text leaves the status, whose standard phrase is better than nothing.
  const said = `${status} ${clean(summary) || (STATUS_CODES[status] ?? "without a reason")}`;
  if (status === 429) {
    const retryAfterMs = isQuotaSpent ? null : readRetryAfterMs(answer);
    const until = quotaResetAt === null ? "" : ` until ${quotaResetAt.toISOString()}`;
    const why = isQuotaSpent ? `the quota is spent${until}, ` : "";
    const message = sentence(`Mem0 limited ${title}: ${why}${said}`);
    throw new Mem0Limited({ method, path, message, isQuotaSpent, messages, quotaResetAt, retryAfterMs });
  }
  if (status === 408 || status >= 500) {
    throw new Mem0Unanswered({
      method,
      path,
      message: sentence(`Mem0 failed at ${title}: ${said}`),
      reason: status === 408 ? "timeout" : "server-error",
      status,
      hasLeft: true,
    });
  }
  throw new Mem0Refused({
    method,
    path,
    message: sentence(`Mem0 refused ${title}: ${said}`),
    status,
    messages,
    fields,
  });
}

function readResult<Output>(answer: Answer, expected: z.ZodType<Output>, context: CallContext): Output {
  const { method, path, title, clean } = context;
  const unexpected = (what: string): Mem0Unanswered =>
    new Mem0Unanswered({
      method,
      path,
      message: sentence(`Mem0 answered ${title} with ${answer.status}, but ${what}`),
      reason: "unexpected-body",
      status: answer.status,
      hasLeft: true,
    });
  let json: unknown;
  try {
    // An empty body counts as an empty object: a 204 is told to be one (Mem0 CLI source).
    json = answer.body.trim() === "" ? {} : JSON.parse(answer.body);
  } catch {
    // The parser's own message quotes the body, so it is not kept as the cause.
    throw unexpected(`the body is not JSON: ${clean(answer.body)}`);
  }
  const result = expected.safeParse(json);
  if (result.success) return result.data;
  throw unexpected(`the body is not in the expected shape: ${clean(issueText(result.error))}`);
}

function issueText(error: z.ZodError): string {
  return error.issues
    .slice(0, 5)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`))
    .join("; ");
}

/** `Retry-After` as a duration: whole seconds, or a date, which is read by the clock of the server that wrote it. */
function readRetryAfterMs(answer: Answer): number | null {
  const text = answer.headers.get("retry-after")?.trim() ?? "";
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  // Date.parse takes much for a date; an HTTP date begins with the name of a day.
  const dateMs = /^[A-Za-z]{3,}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(dateMs)) return null;
  return Math.max(0, dateMs - (upstreamClockMs(answer) ?? answer.receivedAtMs));
}

/** The upstream's clock by the answer's `Date` header, in milliseconds since the epoch, cut to whole seconds. */
export function upstreamClockMs(answer: Answer): number | null {
  const ms = Date.parse(answer.headers.get("date") ?? "");
  return Number.isNaN(ms) ? null : ms;
}

function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

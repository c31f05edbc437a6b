import type { Answer } from "./answer.ts";

/** Where the notice to accounts of agent mode that nobody has claimed is put; `none` by default. */
export const noticePlaces = ["none", "body", "header", "both"] as const;

/** One of the places. */
export type NoticePlace = (typeof noticePlaces)[number];

/** The text of the notice; ours, since no source quotes the real one. ASCII, because it stands in a header too. */
export const noticeText = "This agent account is unclaimed. Run: mem0 init --email <your-email>";

/**
 * Puts the notice into a successful JSON answer as the real service does for unclaimed accounts (Mem0's command line
 * program takes it out again): as `mem0_notice` of the object, or of an array's first element when that is an object,
 * and as the header `X-Mem0-Notice-Message`. An answer that has no place for it stays as it is.
 */
export function withNotice(answer: Answer, place: NoticePlace): Answer {
  if (place === "none" || answer.status >= 300 || answer.contentType !== "application/json") return answer;
  const headers = { ...answer.headers, "x-mem0-notice-message": noticeText };
  const text = place === "header" ? answer.text : noticed(answer.text);
  return place === "body" ? { ...answer, text } : { ...answer, text, headers };
}

function noticed(text: string): string {
  const body: unknown = JSON.parse(text);
  if (!Array.isArray(body)) return JSON.stringify(isObject(body) ? marked(body) : body);
  const [first, ...rest]: readonly unknown[] = body;
  return JSON.stringify(isObject(first) ? [marked(first), ...rest] : body);
}

function marked(body: object): object {
  return { ...body, mem0_notice: noticeText };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

import type { Call } from "./call.ts";
import { refusalDetail } from "./refusal.ts";

/** Which part of a list is asked for, and where the list is. */
export interface PageAsked {
  readonly page: number;
  readonly pageSize: number;
  /** The address that the links to other pages begin with: absolute, or only the path. */
  readonly address: string;
  readonly query: URLSearchParams;
}

/** One page in the envelope of the real service. */
export interface PageAnswer<Item> {
  readonly count: number;
  readonly next: string | null;
  readonly previous: string | null;
  readonly results: readonly Item[];
}

/** The name of the page size's parameter (none for a fixed size), its default and its maximum. */
export interface PageRule {
  readonly sizeName: string | null;
  readonly sizeDefault: number;
  readonly sizeMax: number;
}

/**
 * Reads page and page size from the query, and where it lacks them from the body, if one is given. A size that cannot be
 * is the default, and one that is too large the maximum (inferred: the framework's habit).
 * @throws {Refusal} 404 for a page that is no whole number from 1.
 */
export function readPage(
  call: Call,
  { sizeName, sizeDefault, sizeMax }: PageRule,
  { address, body = {} }: { readonly address: string; readonly body?: Readonly<Record<string, unknown>> },
): PageAsked {
  const given = (name: string): number => {
    const value = call.query.get(name) ?? body[name];
    if (value === undefined || value === null) return Number.NaN;
    return Number(value);
  };
  const page = call.query.has("page") || (body["page"] ?? null) !== null ? given("page") : 1;
  if (!Number.isInteger(page) || page < 1) throw invalidPage();
  const size = sizeName === null ? sizeDefault : given(sizeName);
  const pageSize = Number.isInteger(size) && size >= 1 ? Math.min(size, sizeMax) : sizeDefault;
  return { page, pageSize, address, query: call.query };
}

/** That page of the items. @throws {Refusal} 404 past the end; an empty list has one page (Mem0 OpenAPI). */
export function pageOf<Item, Shown>(
  items: readonly Item[],
  asked: PageAsked,
  show: (item: Item) => Shown,
): PageAnswer<Shown> {
  return pageFrom(asked, (from, to) => ({ count: items.length, items: items.slice(from, to).map(show) }));
}

/** That page of what is asked for by a stretch, its end not included: `count` is of the whole. @throws {Refusal} as `pageOf`. */
export function pageFrom<Shown>(
  { page, pageSize, address, query }: PageAsked,
  stretch: (from: number, to: number) => { readonly count: number; readonly items: readonly Shown[] },
): PageAnswer<Shown> {
  const { count, items } = stretch((page - 1) * pageSize, page * pageSize);
  const pages = Math.max(1, Math.ceil(count / pageSize));
  if (page > pages) throw invalidPage();
  const linkTo = (other: number): string => {
    const params = new URLSearchParams(query);
    if (other === 1) params.delete("page");
    else params.set("page", String(other));
    const text = params.toString();
    return text === "" ? address : `${address}?${text}`;
  };
  return {
    count,
    next: page < pages ? linkTo(page + 1) : null,
    previous: page > 1 ? linkTo(page - 1) : null,
    results: items,
  };
}

function invalidPage(): Error {
  return refusalDetail(404, "Invalid page.");
}

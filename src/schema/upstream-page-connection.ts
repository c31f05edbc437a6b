import { createHash } from "node:crypto";
import { GraphQLError } from "graphql";
import type { Page } from "../mem0/pages.ts";
import { UpstreamUnexpectedBody } from "../tenants/memory-refusals.ts";

/** The arguments of a Relay connection, as GraphQL hands them over. */
export interface ConnectionArgs {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
}

/** Which list a cursor is of: it means nothing in another. */
export interface ListIdentity {
  readonly tenantId: string;
  /** The field that shows the list. */
  readonly field: string;
  /** All arguments that decide what is in the list. */
  readonly query: object;
}

/** A Relay connection over a list of Mem0's. */
export interface UpstreamConnection<Node> {
  readonly edges: { cursor: string; node: Node }[];
  readonly pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
  /** How many there are in the whole list. Null: Mem0 did not say. */
  readonly totalCount: number | null;
}

const sizeDefault = 20;
const sizeMax = 100;
/**
 * How far into a list a cursor may point. Within it any `sizeMax` neighbours lie in one page of some size up to 200; no list
 * that pages by number is read that far.
 */
const offsetMax = 100_000_000;
/** More than any page of Mem0's holds, so that page and place in it fit into one number. */
const pageSpan = 10_000;

function badPage(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: "BAD_PAGE" } });
}

function badCursor(message = "This is not a cursor of this list."): GraphQLError {
  return new GraphQLError(message, { extensions: { code: "BAD_CURSOR" } });
}

/** Cursors of one list: they hold an offset, the tenant, and a hash of what decides what is in the list. */
class Cursors {
  readonly #prefix: string;

  constructor({ tenantId, field, query }: ListIdentity) {
    const identity = createHash("sha256")
      .update(JSON.stringify([field, query]))
      .digest("base64url")
      .slice(0, 16);
    this.#prefix = `upstream:${tenantId}:${identity}:`;
  }

  at(offset: number): string {
    return Buffer.from(`${this.#prefix}${offset}`).toString("base64url");
  }

  offsetOf(cursor: string | null | undefined): number | null {
    if (cursor === null || cursor === undefined) return null;
    const text = Buffer.from(cursor.slice(0, 200), "base64url").toString();
    const offset = text.startsWith(this.#prefix) ? Number(text.slice(this.#prefix.length)) : Number.NaN;
    if (Number.isInteger(offset) && offset >= 0 && offset < offsetMax && this.at(offset) === cursor)
      return offset;
    throw badCursor();
  }
}

function sizeOf(name: string, size: number | null | undefined): number | null {
  if (size === null || size === undefined) return null;
  if (size < 0) throw badPage(`${name} must not be negative.`);
  return Math.min(size, sizeMax);
}

/** What of a list is asked for: from `start` up to, and without, `end`; at most `sizeMax`. */
interface Stretch {
  readonly start: number;
  readonly end: number;
}

function stretchOf(args: ConnectionArgs, cursors: Cursors): Stretch {
  const [first, last] = [sizeOf("first", args.first), sizeOf("last", args.last)];
  const [after, before] = [cursors.offsetOf(args.after), cursors.offsetOf(args.before)];
  if (last !== null && before === null) {
    throw badCursor(
      "`last` needs `before`: Mem0 pages from the beginning only, and its lists have no known end.",
    );
  }
  const start = after === null ? 0 : after + 1;
  const size = first ?? (last === null ? sizeDefault : sizeMax);
  // `last` alone takes from the end, however far that is from the start.
  const end = first === null && last !== null ? (before ?? 0) : Math.min(start + size, before ?? offsetMax);
  const from = last === null ? start : Math.max(start, end - last);
  return { start: from, end: Math.max(from, end) };
}

/** Which page, and of what size. */
export interface SizedPage {
  readonly page: number;
  readonly pageSize: number;
}

/** The smallest page that holds a whole stretch; where none that is allowed does, two that do together. */
function pagesAround({ start, end }: Stretch, pageSizeMax: number): SizedPage[] {
  // Nothing is asked for with `first: 0`, but how many there are.
  const length = Math.max(1, end - start);
  for (let pageSize = length; pageSize <= pageSizeMax; pageSize++) {
    if ((start % pageSize) + length <= pageSize)
      return [{ page: Math.floor(start / pageSize) + 1, pageSize }];
  }
  const page = Math.floor(start / length) + 1;
  return [
    { page, pageSize: length },
    { page: page + 1, pageSize: length },
  ];
}

/**
 * A stretch of a list whose pages can have any size up to `pageSizeMax`, at least 100. With 200 it is read with one call of
 * `fetchPage`; with less, one that does not begin where a page does may take two. Mem0 pages by number: what is added or
 * removed between two pages may show up twice or not at all.
 * @throws {GraphQLError} BAD_CURSOR, BAD_PAGE
 * @throws {UpstreamUnexpectedBody} when Mem0's pages are smaller than was asked for: no item would be where it is counted
 */
export async function readStretch<Answer extends Page<unknown>>(
  args: ConnectionArgs,
  identity: ListIdentity,
  pageSizeMax: number,
  fetchPage: (page: SizedPage) => Promise<Answer>,
): Promise<{ readonly connection: UpstreamConnection<Answer["items"][number]>; readonly answer: Answer }> {
  const cursors = new Cursors(identity);
  const { start, end } = stretchOf(args, cursors);
  const [first, second] = pagesAround({ start, end }, pageSizeMax);
  if (first === undefined) throw new Error("No page holds the stretch.");
  const answer = await fetchWhole(first, fetchPage);
  const next = second !== undefined && answer.hasNext ? await fetchWhole(second, fetchPage) : null;
  const read: readonly Answer["items"][number][] = [...answer.items, ...(next?.items ?? [])];
  const readFrom = (first.page - 1) * first.pageSize;
  const items = read.slice(start - readFrom, end - readFrom);
  const hasNextPage = read.length > end - readFrom || (next ?? answer).hasNext;
  const edges = items.map((node, index) => ({ cursor: cursors.at(start + index), node }));
  return {
    connection: connectionOf(edges, { hasNextPage, hasPreviousPage: start > 0 }, answer.count),
    answer,
  };
}

async function fetchWhole<Answer extends Page<unknown>>(
  asked: SizedPage,
  fetchPage: (page: SizedPage) => Promise<Answer>,
): Promise<Answer> {
  const answer = await fetchPage(asked);
  if (!answer.hasNext || answer.items.length === asked.pageSize) return answer;
  const sizes = `${answer.items.length} instead of ${asked.pageSize}`;
  throw new UpstreamUnexpectedBody(`Mem0 put ${sizes} items on a page that is not the last.`, false);
}

/** How many of Mem0's pages are read for one page of ours. Two hold whatever is not longer than one of Mem0's. */
const callsMax = 2;

/**
 * A stretch of a list whose pages have a size of Mem0's own. Such a list is read forwards only, with one call, or with two
 * where the stretch goes over the end of a page. What is longer than that ends early: it has fewer items than were asked
 * for, at least one, and says that there are more.
 * @throws {GraphQLError} BAD_CURSOR, BAD_PAGE
 */
export async function readForwards<Node>(
  args: Pick<ConnectionArgs, "first" | "after">,
  identity: ListIdentity,
  fetchPage: (page: number) => Promise<Page<Node>>,
): Promise<UpstreamConnection<Node>> {
  const cursors = new Cursors(identity);
  const size = sizeOf("first", args.first) ?? sizeDefault;
  const after = cursors.offsetOf(args.after);
  const edges: { cursor: string; node: Node }[] = [];
  let [page, skipped] = after === null ? [1, 0] : [Math.floor(after / pageSpan), (after % pageSpan) + 1];
  for (let calls = 1; ; calls += 1) {
    const answer = await fetchPage(page);
    const taken = answer.items.slice(skipped, skipped + size - edges.length);
    for (const [index, node] of taken.entries()) {
      edges.push({ cursor: cursors.at(page * pageSpan + skipped + index), node });
    }
    const hasNextPage = skipped + taken.length < answer.items.length || answer.hasNext;
    // A page with nothing on it is the last, whatever it says of a next one.
    if (edges.length >= size || !hasNextPage || answer.items.length === 0 || calls === callsMax) {
      return connectionOf(edges, { hasNextPage, hasPreviousPage: after !== null }, answer.count);
    }
    page += 1;
    skipped = 0;
  }
}

function connectionOf<Node>(
  edges: { cursor: string; node: Node }[],
  pages: { readonly hasNextPage: boolean; readonly hasPreviousPage: boolean },
  totalCount: number | null,
): UpstreamConnection<Node> {
  const [startCursor, endCursor] = [edges[0]?.cursor ?? null, edges.at(-1)?.cursor ?? null];
  return { edges, pageInfo: { ...pages, startCursor, endCursor }, totalCount };
}

import { z } from "zod";
import { wholeBetween } from "./arguments.ts";
import { Mem0Refused } from "./errors.ts";
import type { Mem0, Mem0Request } from "./request.ts";
import { wholeNumber } from "./whole-number.ts";

/** One page of a list of Mem0's, whichever of its four forms of paging the list has. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** Of all pages. Null when Mem0 does not say. It may change between two pages. */
  readonly count: number | null;
  /** Which one this is, from 1. */
  readonly page: number;
  /** What was asked for; Mem0 may have given less. Null for a list whose pages have a size of Mem0's own. */
  readonly pageSize: number | null;
  readonly hasNext: boolean;
}

/** Which page was asked for. */
export type PageAsked = Pick<Page<unknown>, "page" | "pageSize">;

const pageMax = 2 ** 31 - 1;
/** The largest page of memories (Mem0 OpenAPI); taken for that of the other lists too (inferred). */
const pageSizeMax = 200;
const pageSizeDefault = 100;

/** A page's number, from 1; the first unless given. @throws {InvalidArgument} */
export function pageNumber(page: number | undefined): number {
  return wholeBetween("page", page ?? 1, 1, pageMax);
}

/** A page's size, 1 to 200; 100 unless given, as Mem0's own default is. @throws {InvalidArgument} */
export function pageSize(size: number | undefined): number {
  return wholeBetween("pageSize", size ?? pageSizeDefault, 1, pageSizeMax);
}

/**
 * Reads `{count, next, previous, results}`. Of `next`, absolute (memories) or relative (events: live observation),
 * only the number is used, and it must be the page after this one: anything else would be read twice or left out. A
 * bare array, as older servers send, is all there is: the first page, and every later one is empty.
 */
export function pageAnswer<Item>(item: z.ZodType<Item>, asked: PageAsked): z.ZodType<Page<Item>> {
  const envelope = z
    .object({ count: z.int().min(0).nullish(), next: z.string().nullish(), results: z.array(item) })
    .transform((wire, context): Page<Item> => {
      const next = wire.next ?? null;
      if (next !== null && nextPageNumber(next) !== asked.page + 1) {
        context.addIssue({ code: "custom", path: ["next"], message: "Not the page after this one" });
        return z.NEVER;
      }
      return { items: wire.results, count: wire.count ?? null, ...asked, hasNext: next !== null };
    });
  const asEnvelope = (body: unknown) =>
    Array.isArray(body) ? { count: body.length, results: asked.page === 1 ? body : [] } : body;
  return z.preprocess(asEnvelope, envelope);
}

function nextPageNumber(next: string): number | null {
  // The base does not matter: the origin that a server writes into `next` is never asked.
  const base = "https://api.mem0.ai";
  if (!URL.canParse(next, base)) return null;
  const page = new URL(next, base).searchParams.get("page") ?? "";
  return /^\d{1,10}$/.test(page) ? Number(page) : null;
}

/** The page behind the last one. */
export function emptyPage(asked: PageAsked): Page<never> {
  return { items: [], count: null, ...asked, hasNext: false };
}

/**
 * Asks for a page. A 400 or 404 to a later page than the first is the end of the list, and answers `pastTheEnd`: Mem0
 * was seen handing out a `next` that it then refused (live observation).
 *
 * @throws {Mem0Refused | Mem0Limited | Mem0Unanswered}
 */
export async function sendForPage<Answer extends PageAsked>(
  mem0: Mem0,
  request: Mem0Request<Answer>,
  pastTheEnd: Answer,
): Promise<Answer> {
  try {
    return await mem0.send(request);
  } catch (error) {
    const isEnd = error instanceof Mem0Refused && (error.status === 400 || error.status === 404);
    if (isEnd && pastTheEnd.page > 1) return pastTheEnd;
    throw error;
  }
}

/** A list has more pages than the caller is willing to read. What was read before was handed over. */
export class TooManyPages extends Error {
  override readonly name = "TooManyPages";
  readonly pagesMax: number;

  constructor(pagesMax: number) {
    super(`The list has more than ${pagesMax} pages.`);
    this.pagesMax = pagesMax;
  }
}

/**
 * All pages of a list, from the first, one after the other. It completes the client, for whoever reads a list to its end;
 * the API reads no list so: its fields answer one page, and the caller goes on by cursor. What changes upstream meanwhile may show up twice or not
 * at all: Mem0 pages by number.
 *
 * @throws {RangeError} when `pagesMax` is not a whole number of at least 1.
 * @throws {TooManyPages} instead of asking for the page after the `pagesMax`th.
 */
export async function* everyPage<Item>(
  fetchPage: (page: number) => Promise<Page<Item>>,
  { pagesMax }: { readonly pagesMax: number },
): AsyncGenerator<Page<Item>, void, undefined> {
  wholeNumber("pagesMax", pagesMax);
  for (let page = 1; page <= pagesMax; page += 1) {
    const fetched = await fetchPage(page);
    yield fetched;
    if (!fetched.hasNext) return;
  }
  throw new TooManyPages(pagesMax);
}

/** All items of a list, page by page as `everyPage` reads them. @throws as `everyPage` */
export async function* everyItem<Item>(
  fetchPage: (page: number) => Promise<Page<Item>>,
  limits: { readonly pagesMax: number },
): AsyncGenerator<Item, void, undefined> {
  for await (const page of everyPage(fetchPage, limits)) yield* page.items;
}

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Page } from "../../src/mem0/pages.ts";
import {
  type ConnectionArgs,
  readForwards,
  readStretch,
  type SizedPage,
  type UpstreamConnection,
} from "../../src/schema/upstream-page-connection.ts";

const identity = { tenantId: "tnt_1", field: "memories", query: { filters: { userId: { eq: "alice" } } } };

/** A list of the numbers from 0, as Mem0 pages it. It counts the pages that are asked for. */
function listOf(length: number) {
  const asked: SizedPage[] = [];
  const fetchPage = async ({ page, pageSize }: SizedPage): Promise<Page<number>> => {
    asked.push({ page, pageSize });
    const from = (page - 1) * pageSize;
    const items = Array.from(
      { length: Math.max(0, Math.min(pageSize, length - from)) },
      (_, at) => from + at,
    );
    return { items, count: length, page, pageSize, hasNext: from + pageSize < length };
  };
  return { asked, fetchPage };
}

async function stretch(list: ReturnType<typeof listOf>, args: ConnectionArgs, pageSizeMax = 200) {
  const { connection } = await readStretch(args, identity, pageSizeMax, list.fetchPage);
  return connection;
}

const nodesOf = ({ edges }: UpstreamConnection<number>) => edges.map(({ node }) => node);

function numbers(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
}

describe("a stretch of a list", () => {
  const sizes = fc.integer({ min: 1, max: 100 });

  it.each([
    [200, 1],
    [100, 2],
  ])(
    "with pages up to %i is read with at most %i calls, whatever the page and wherever it begins",
    async (pageSizeMax, callsMax) => {
      await fc.assert(
        fc.asyncProperty(fc.nat(600), fc.nat(400), sizes, async (length, after, first) => {
          const list = listOf(length);
          const cursors = await cursorsOf(Math.max(length, after + 1));
          const page = await stretch(list, { first, after: cursors[after] ?? null }, pageSizeMax);
          expect(nodesOf(page)).toEqual(numbers(after + 1, Math.min(length, after + 1 + first)));
          expect(page.pageInfo.hasNextPage).toBe(after + 1 + first < length);
          expect(page.pageInfo.hasPreviousPage).toBe(true);
          expect(list.asked.length).toBeLessThanOrEqual(callsMax);
          expect(Math.max(...list.asked.map(({ pageSize }) => pageSize))).toBeLessThanOrEqual(pageSizeMax);
        }),
      );
    },
  );

  it("goes forwards and backwards over the same items, each once", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(250), sizes, async (length, size) => {
        const list = listOf(length);
        const forwards: number[] = [];
        let page = await stretch(list, { first: size });
        for (;;) {
          forwards.push(...nodesOf(page));
          if (!page.pageInfo.hasNextPage) break;
          page = await stretch(list, { first: size, after: page.pageInfo.endCursor });
        }
        expect(forwards).toEqual(numbers(0, length));
        const backwards: number[] = nodesOf(page);
        while (page.pageInfo.hasPreviousPage) {
          page = await stretch(list, { last: size, before: page.pageInfo.startCursor });
          backwards.unshift(...nodesOf(page));
          expect(page.pageInfo.hasNextPage).toBe(true);
        }
        expect(backwards).toEqual(numbers(0, length));
      }),
      { numRuns: 40 },
    );
  });

  it("of twenty is read where no size is given, and of a hundred where more is asked for", async () => {
    expect(nodesOf(await stretch(listOf(500), {}))).toHaveLength(20);
    expect(nodesOf(await stretch(listOf(500), { first: 1_000 }))).toHaveLength(100);
  });

  it("between two cursors holds what lies between them", async () => {
    const cursors = await cursorsOf(30);
    const between = { after: cursors[4] ?? null, before: cursors[9] ?? null };
    expect(nodesOf(await stretch(listOf(30), { first: 100, ...between }))).toEqual([5, 6, 7, 8]);
    expect(nodesOf(await stretch(listOf(30), { last: 2, ...between }))).toEqual([7, 8]);
    expect(nodesOf(await stretch(listOf(30), { first: 3, last: 2, ...between }))).toEqual([6, 7]);
    expect(
      nodesOf(await stretch(listOf(30), { first: 3, after: cursors[9] ?? null, before: cursors[4] ?? null })),
    ).toEqual([]);
  });

  it("of none tells how many there are, with one call", async () => {
    const list = listOf(7);
    const page = await stretch(list, { first: 0 });
    expect(page).toMatchObject({
      edges: [],
      totalCount: 7,
      pageInfo: { hasNextPage: true, endCursor: null },
    });
    expect(list.asked).toEqual([{ page: 1, pageSize: 1 }]);
  });

  it("is refused from the end, which has no number, and in sizes below nothing", async () => {
    await expect(stretch(listOf(9), { last: 3 })).rejects.toMatchObject({
      extensions: { code: "BAD_CURSOR" },
    });
    await expect(stretch(listOf(9), { first: -1 })).rejects.toMatchObject({
      extensions: { code: "BAD_PAGE" },
    });
    await expect(stretch(listOf(9), { last: -1 })).rejects.toMatchObject({
      extensions: { code: "BAD_PAGE" },
    });
  });

  it("is refused where Mem0's pages are smaller than was asked for, since nothing would be where it is counted", async () => {
    const read = readStretch({ first: 50 }, identity, 200, async ({ page, pageSize }) => ({
      ...{ items: numbers(0, 10), count: 100, page, pageSize, hasNext: true },
    }));
    await expect(read).rejects.toMatchObject({ code: "MEM0_UNEXPECTED_BODY" });
  });
});

/** The cursors of the first so many items. */
async function cursorsOf(count: number): Promise<string[]> {
  const list = listOf(count);
  const cursors: string[] = [];
  while (cursors.length < count) {
    const page = await stretch(list, { first: 100, after: cursors.at(-1) ?? null });
    cursors.push(...page.edges.map(({ cursor }) => cursor));
  }
  return cursors;
}

describe("a cursor", () => {
  const elsewhere = [
    ["another tenant's list", { ...identity, tenantId: "tnt_2" }],
    ["another field's list", { ...identity, field: "entities" }],
    ["the list of other arguments", { ...identity, query: { filters: { userId: { eq: "bob" } } } }],
  ] as const;

  it.each(elsewhere)("of %s is refused like one that never was, in the same words", async (_what, other) => {
    const { connection } = await readStretch({ first: 1 }, other, 200, listOf(3).fetchPage);
    const cursor = connection.pageInfo.endCursor;
    const refusals = await Promise.all(
      [cursor, "rubbish"].map((after) =>
        stretch(listOf(3), { after }).then(
          () => null,
          (error: Error) => error,
        ),
      ),
    );
    expect(refusals[0]?.message).toBe("This is not a cursor of this list.");
    expect(refusals[0]).toEqual(refusals[1]);
    await expect(
      readForwards({ after: cursor }, { ...identity, field: "events" }, async () => {
        throw new Error("It was asked for.");
      }),
    ).rejects.toMatchObject({ extensions: { code: "BAD_CURSOR" } });
  });

  it("is refused that was made by hand and points where no list goes", async () => {
    const [first = ""] = await cursorsOf(1);
    const text = Buffer.from(first, "base64url").toString().replace(/0$/, "");
    for (const offset of ["-1", "1.5", "1e3", "0x1", "", " 1", "01", "100000000", "9".repeat(30)]) {
      const after = Buffer.from(`${text}${offset}`).toString("base64url");
      await expect(stretch(listOf(3), { after })).rejects.toMatchObject({
        extensions: { code: "BAD_CURSOR" },
      });
    }
  });
});

describe("a list with pages of Mem0's own size", () => {
  it("is read forwards, each item once, with at most two calls a page of ours, however small Mem0's are", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(150),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 100 }),
        async (length, pageSize, first) => {
          const list = listOf(length);
          const all: number[] = [];
          let after: string | null = null;
          for (;;) {
            list.asked.length = 0;
            const page: UpstreamConnection<number> = await readForwards(
              { first, after },
              identity,
              (number) => list.fetchPage({ page: number, pageSize }),
            );
            all.push(...nodesOf(page));
            expect(page.edges.length).toBeLessThanOrEqual(first);
            expect(list.asked.length).toBeLessThanOrEqual(2);
            if (!page.pageInfo.hasNextPage) break;
            // What is no longer than a page of Mem0's is never cut short, and no page that has a next one is empty.
            expect(page.edges.length).toBeGreaterThanOrEqual(first <= pageSize ? first : 1);
            after = page.pageInfo.endCursor;
          }
          expect(all).toEqual(numbers(0, length));
        },
      ),
      { numRuns: 60 },
    );
  });
});

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { listEvents } from "../../src/mem0/events.ts";
import { listMemories } from "../../src/mem0/memory-lists.ts";
import { everyItem, everyPage, type Page, TooManyPages } from "../../src/mem0/pages.ts";
import type { Mem0 } from "../../src/mem0/request.ts";
import { bareWire, memoryWire } from "./memory-samples.ts";
import { failureOf, openClient, type ScriptedServer, startScriptedServer } from "./scripted-server.ts";

let server: ScriptedServer;
let mem0: Mem0;

beforeEach(async () => {
  server = await startScriptedServer();
  mem0 = openClient(server);
});

afterEach(async () => {
  await mem0.close();
  await server.close();
});

const filters = { userId: { eq: "ada" } };
const list = (page: number) => listMemories(mem0, { filters, page, pageSize: 1 });
const envelope = (next: string | null) => ({ count: 2, next, previous: null, results: [memoryWire] });

describe("a page", () => {
  test.each([
    ["absolute", "https://elsewhere.test/v3/memories/?page=2&page_size=1"],
    ["relative", "/v3/memories/?page_size=1&page=2"],
    ["a query alone", "?page=2"],
  ])("has a next one when `next` is %s", async (_name, next) => {
    server.answer(200, envelope(next));
    expect(await list(1)).toMatchObject({ page: 1, hasNext: true });
  });

  test.each([null, undefined])("has no next one when `next` is %s", async (next) => {
    server.answer(200, { results: [memoryWire], next });
    expect(await list(7)).toMatchObject({ count: null, page: 7, hasNext: false });
  });

  test.each([
    "/v3/memories/?page=1",
    "/v3/memories/?page=3",
    "/v3/memories/?cursor=abc",
    "?page=two",
    "http://[",
  ])("that is followed by %j is not taken, rather than read twice or in part", async (next) => {
    server.answer(200, envelope(next));
    expect(await failureOf(list(1))).toMatchObject({ name: "Mem0Unanswered", reason: "unexpected-body" });
  });

  test("of one item that cannot be read is not taken", async () => {
    server.answer(200, { count: 2, next: null, results: [memoryWire, { id: bareWire.id }] });
    expect(await failureOf(list(1))).toMatchObject({ reason: "unexpected-body" });
  });

  test("in a bare array is all there is, and every later one is empty", async () => {
    server.answer(200, [memoryWire, bareWire]);
    server.answer(200, [memoryWire, bareWire]);
    expect(await list(1)).toMatchObject({
      items: [{ memoryId: memoryWire.id }, {}],
      count: 2,
      hasNext: false,
    });
    expect(await list(2)).toMatchObject({ items: [], count: 2, hasNext: false });
  });

  test.each([
    [404, { detail: "Invalid page." }],
    [400, { error: "bad page" }],
  ])("past the end, which Mem0 refuses with %s, is empty", async (status, body) => {
    server.answer(status, body);
    expect(await list(2)).toEqual({ items: [], count: null, page: 2, pageSize: 1, hasNext: false });
  });

  test.each([400, 404])("that is the first is refused with %s as anything else is", async (status) => {
    server.answer(status, { detail: "no" });
    expect(await failureOf(list(1))).toMatchObject({ name: "Mem0Refused", status });
  });

  test.each([401, 403])("that Mem0 refuses with %s is not taken for the end", async (status) => {
    server.answer(status, { detail: "no" });
    expect(await failureOf(list(2))).toMatchObject({ name: "Mem0Refused", status });
  });

  test("whose answer is lost is not taken for the end", async () => {
    server.answer(500, {});
    expect(await failureOf(list(2))).toMatchObject({ name: "Mem0Unanswered" });
  });
});

describe("all pages", () => {
  const pageOf = (page: number, pages: number): Page<number> => ({
    items: [10 * page, 10 * page + 1],
    count: 2 * pages,
    page,
    pageSize: 2,
    hasNext: page < pages,
  });
  const read = async <Item>(items: AsyncIterable<Item>) => {
    const found: Item[] = [];
    for await (const item of items) found.push(item);
    return found;
  };

  test("are asked for one after the other, until there is none, and their items come in order", async () => {
    const asked: number[] = [];
    const fetchPage = async (page: number) => {
      asked.push(page);
      return pageOf(page, 3);
    };
    expect(await read(everyItem(fetchPage, { pagesMax: 3 }))).toEqual([10, 11, 20, 21, 30, 31]);
    expect(asked).toEqual([1, 2, 3]);
  });

  test("are asked for only as far as somebody reads", async () => {
    const asked: number[] = [];
    const fetchPage = async (page: number) => {
      asked.push(page);
      return pageOf(page, 3);
    };
    for await (const item of everyItem(fetchPage, { pagesMax: 3 })) if (item === 11) break;
    expect(asked).toEqual([1]);
  });

  test("end with an error when there are more than the caller reads, after those were handed over", async () => {
    const found: number[] = [];
    const reading = async () => {
      for await (const page of everyPage(async (page) => pageOf(page, 3), { pagesMax: 2 }))
        found.push(page.page);
    };
    const failure = await failureOf(reading());
    expect(failure).toBeInstanceOf(TooManyPages);
    expect(failure).toMatchObject({ pagesMax: 2 });
    expect(found).toEqual([1, 2]);
  });

  test("need a cap", async () => {
    for (const pagesMax of [0, 1.5, Number.POSITIVE_INFINITY]) {
      const reading = read(everyPage(async (page) => pageOf(page, 1), { pagesMax }));
      expect(await failureOf(reading)).toBeInstanceOf(RangeError);
    }
  });

  test("end where Mem0 refuses the page that it announced", async () => {
    server.answer(200, { count: 2, next: "/v1/events/?page=2", results: [] });
    server.answer(400, { error: "Invalid page" });
    expect(await read(everyItem((page) => listEvents(mem0, { page }), { pagesMax: 10 }))).toEqual([]);
    expect(server.seen.map((request) => request.url)).toEqual(["/v1/events/?page=1", "/v1/events/?page=2"]);
  });
});

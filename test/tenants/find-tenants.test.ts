import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/database/connect.ts";
import { Prisma } from "../../src/generated/prisma/client.ts";
import { findTenantIds, type TenantFilter } from "../../src/tenants/find-tenants.ts";
import type { Db } from "../../src/tenants/mapping.ts";
import { insertTenant, openRawDatabase, type RawDatabase } from "./legal-rows.ts";

let raw: RawDatabase;
let database: Database;
/** All tenants, newest first, as the list shows them. */
const newestFirst: string[] = [];
const idOf = new Map<string, string>();

const tenants = [
  { key: "acme", name: "Acme Inc.", status: "ACTIVE" },
  { key: "acme-labs.eu", name: "Laboratories of Acme", status: "ACTIVE" },
  { key: "globex:7", name: "Globex & Sons", status: "FAILED" },
  { key: "initech", name: "Initech (ACME's rival)", status: "OFFBOARDED" },
  { key: "umbrella_corp", name: "Зонтик Ärzte", status: "OFFBOARDING" },
  { key: "quote", name: 'O\'Brien "R&D" 100% <b>bold</b>', status: "PROVISIONING" },
  { key: "mail", name: "ops@stark.example/team", status: "ACTIVE" },
] as const;

beforeAll(async () => {
  raw = await openRawDatabase();
  for (const tenant of tenants) {
    const id = await insertTenant(raw.client, tenant);
    idOf.set(tenant.key, id);
    newestFirst.unshift(id);
  }
  database = await openDatabase(raw.connectionString);
});
afterAll(async () => {
  await database.close();
  await raw.close();
});

/** The keys of the tenants that a filter lets through, newest first. */
async function keysOf(filter: TenantFilter): Promise<string[]> {
  const ids = await findTenantIds(database.prisma, filter, { limit: 100, isBackward: false });
  return ids.map((id) => tenants.find(({ key }) => idOf.get(key) === id)?.key ?? id);
}

/** Pages to the end, `limit` at a time. */
async function pages(limit: number, isBackward: boolean, filter: TenantFilter = {}): Promise<string[][]> {
  const found: string[][] = [];
  for (let beyond: string | undefined; ; ) {
    const page = await findTenantIds(database.prisma, filter, {
      limit,
      ...(isBackward ? { before: beyond } : { after: beyond }),
      isBackward,
    });
    if (page.length === 0) return found;
    found.push(page);
    beyond = page.at(-1);
  }
}

describe("a page of tenants", () => {
  it.each([1, 2, 3, 7, 100])(
    "of %i leads to the next, newest first, without gap or repeat",
    async (limit) => {
      const found = await pages(limit, false);
      expect(found.flat()).toEqual(newestFirst);
      expect(found[0]).toHaveLength(Math.min(limit, tenants.length));
    },
  );

  it.each([1, 2, 3, 7, 100])("of %i leads backward from the old end just the same", async (limit) => {
    expect((await pages(limit, true)).flat()).toEqual(newestFirst.toReversed());
  });

  it("goes on from an id whose tenant no filter lets through", async () => {
    const beyond = idOf.get("globex:7");
    const ids = await findTenantIds(
      database.prisma,
      { status: "ACTIVE" },
      { limit: 9, after: beyond, isBackward: false },
    );
    expect(ids).toEqual([idOf.get("acme-labs.eu"), idOf.get("acme")]);
  });

  it("is not disturbed by a sign-up that comes in between: what is new lies before the first page", async () => {
    const { client } = raw;
    const [first = []] = await pages(2, false);
    const late = await insertTenant(client, { key: "late" });
    try {
      const page = { limit: 2, after: first.at(-1), isBackward: false };
      expect(await findTenantIds(database.prisma, {}, page)).toEqual(newestFirst.slice(2, 4));
    } finally {
      await client.query("DELETE FROM tenant WHERE id = $1", [late]);
    }
  });

  it("pages through what a filter lets through", async () => {
    const active = ["mail", "acme-labs.eu", "acme"].map((key) => idOf.get(key));
    expect((await pages(1, false, { status: "ACTIVE" })).flat()).toEqual(active);
    expect((await pages(2, true, { status: "ACTIVE" })).flat()).toEqual(active.toReversed());
  });
});

describe("a filter of tenants", () => {
  it.each(tenants)("finds by status $status", async ({ status }) => {
    const expected = tenants.filter((tenant) => tenant.status === status).map(({ key }) => key);
    expect(await keysOf({ status })).toEqual(expected.toReversed());
  });

  it.each([
    ["acme", ["initech", "acme-labs.eu", "acme"]],
    ["ac", ["initech", "acme-labs.eu", "acme"]],
    ["ACME", ["initech", "acme-labs.eu", "acme"]],
    ["cme", []],
    ["acme lab", ["acme-labs.eu"]],
    ["lab acme", ["acme-labs.eu"]],
    ["acme globex", []],
    ["inc", ["acme"]],
    ["labs", ["acme-labs.eu"]],
    ["eu", ["acme-labs.eu"]],
    ["acme-labs.eu", ["acme-labs.eu"]],
    ["globex:7", ["globex:7"]],
    ["7", ["globex:7"]],
    ["corp", ["umbrella_corp"]],
    ["umbrella_corp", ["umbrella_corp"]],
    ["зон", ["umbrella_corp"]],
    ["ärzte", ["umbrella_corp"]],
    ["ÄRZ", ["umbrella_corp"]],
    ["o'brien", ["quote"]],
    ["R&D", ["quote"]],
    ["100%", ["quote"]],
    ["ops@stark.example", ["mail"]],
    ["stark team", ["mail"]],
    ["  acme   inc. ", ["acme"]],
  ])("finds by the beginnings of words: %j", async (search, expected) => {
    expect(await keysOf({ search })).toEqual(expected);
  });

  it("holds in all its parts", async () => {
    expect(await keysOf({ status: "ACTIVE", search: "acme" })).toEqual(["acme-labs.eu", "acme"]);
    expect(await keysOf({ status: "FAILED", search: "acme" })).toEqual([]);
  });

  it.each([
    ["a' & !b:* |", []],
    ["!acme", ["initech", "acme-labs.eu", "acme"]],
    ["acme | globex", []],
    ["acme & !inc", ["acme"]],
    ["(acme", ["initech", "acme-labs.eu", "acme"]],
    ["acme:*", ["initech", "acme-labs.eu", "acme"]],
    ["acme:D", []],
    ["acme <-> inc", ["acme"]],
    ["'; DROP TABLE tenant; --", []],
    ["acme\\", ["initech", "acme-labs.eu", "acme"]],
    ["acme\u0000", ["initech", "acme-labs.eu", "acme"]],
    ["%", []],
    ["' | ! & : * ( ) < >", []],
    ["", []],
    ["   ", []],
    ["🦊", []],
    ["\ud800", []],
  ])("takes no character for an operator: %j", async (search, expected) => {
    expect(await keysOf({ search })).toEqual(expected);
  });

  it("asks for words in a way that the index of words can answer", async () => {
    const plan: string[] = [];
    await database.prisma.$transaction(async (tx) => {
      // On a few rows the planner would rather read them all.
      for (const way of ["seqscan", "indexscan", "indexonlyscan"]) {
        await tx.$executeRawUnsafe(`SET LOCAL enable_${way} = off`);
      }
      const explained = async (strings: TemplateStringsArray, ...values: unknown[]) => {
        const rows = await tx.$queryRaw<
          { "QUERY PLAN": string }[]
        >`EXPLAIN ${Prisma.sql(strings, ...values)}`;
        plan.push(...rows.map((row) => row["QUERY PLAN"]));
        return [];
      };
      // Only this one of the client's functions is called; it asks for the plan of what it is given.
      const explaining = { $queryRaw: explained } as unknown as Db;
      await findTenantIds(explaining, { search: "ac" }, { limit: 20, isBackward: false });
    });
    expect(plan.join("\n")).toContain("tenant_search");
  });
});

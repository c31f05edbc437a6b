import { ClientError } from "graphql-request";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Prisma } from "../../src/generated/prisma/client.ts";
import { openOperationsQuery } from "../../src/tenants/find-operations.ts";
import { settled, signUp } from "../main-job.ts";
import { createWorld, type World } from "../world.ts";

interface Page {
  readonly edges: readonly {
    readonly cursor: string;
    readonly node: {
      readonly id: string;
      readonly kind: string;
      readonly status: string;
      readonly age: number;
      readonly lastError: { readonly step: string; readonly code: string; readonly message: string } | null;
      readonly whatCanBeDone: readonly { readonly verb: string }[];
      readonly tenant: { readonly key: string };
    };
  }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
}

let world: World;
/** Keys of the tenants whose sign-up waits, in the order in which they signed up. */
const waiting = ["w-0", "w-1", "w-2", "w-3", "w-4"];
const attention = ["w-1", "w-3"];

beforeAll(async () => {
  world = await createWorld();
  await signUp(world, { key: "done" });
  await settled(world, "done");
  for (const key of waiting) {
    if (attention.includes(key)) {
      // A look-alike is for a person.
      await world.emulator.failNext({
        match: { method: "POST", path: "/api/v1/orgs/organizations/" },
        fault: { kind: "drop" },
      });
      world.setAround(async (deed, proceed) => {
        if (deed.attempt === 2) {
          const { marker } = await world.prisma.resource.findFirstOrThrow({
            where: { tenantId: deed.tenantId, kind: "ORGANIZATION" },
          });
          const owner_email = "mallory@evil.test";
          const members = [{ email: world.provisioning.account.userEmail, role: "READER" }];
          await world.emulator.putOrganization({ name: `Acme ·${marker}`, owner_email, members });
        }
        return proceed();
      });
    } else {
      world.setAround();
      await world.emulator.failNext({
        match: { method: "POST", path: "/api/v1/orgs/organizations/" },
        fault: { kind: "throttle", retryAfterSeconds: 3_600 },
      });
    }
    await signUp(world, { key });
  }
});
afterAll(() => world.close());

async function operations(args: object): Promise<Page> {
  const { operations: page } = await world.send<{ operations: Page }>(
    `query ($first: Int, $after: String, $last: Int, $before: String, $filter: OperationFilter) {
      operations(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
        edges { cursor node { id kind status age lastError { step code message } whatCanBeDone { verb } tenant { key } } }
        pageInfo { hasNextPage endCursor } } }`,
    args,
  );
  return page;
}

const keysOf = ({ edges }: Page) => edges.map(({ node }) => node.tenant.key);

async function codeOf(sent: Promise<unknown>): Promise<unknown> {
  const error = await sent.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ClientError)) throw new Error("It was answered.", { cause: error });
  return error.response.errors?.[0]?.extensions["code"];
}

/** A statement with its values written out, as Postgres plans it. */
function written({ strings, values }: Prisma.Sql): string {
  const literal = (value: unknown) =>
    typeof value === "number"
      ? String(value)
      : `'${value instanceof Date ? value.toISOString() : String(value)}'`;
  return strings.map((text, index) => text + (index < values.length ? literal(values[index]) : "")).join("");
}

describe("operations", () => {
  it("that need attention are the on-call's list: oldest first, with the error in words and what can be done", async () => {
    const page = await operations({ filter: { status: ["NEEDS_ATTENTION"] } });
    expect(keysOf(page)).toEqual(attention);
    const [first] = page.edges;
    expect(first?.node.lastError).toMatchObject({ step: "createOrganization", code: "NeedsAttention" });
    expect(first?.node.lastError?.message).toContain("we are not its owner");
    expect(first?.node.whatCanBeDone.map(({ verb }) => verb)).toEqual([
      "retryOperation",
      "adoptResource",
      "abortOperation",
    ]);
    expect(first?.node.age).toBeGreaterThanOrEqual(0);
  });

  it("are the open ones when not told otherwise, oldest first", async () => {
    expect(keysOf(await operations({}))).toEqual(waiting);
    expect(keysOf(await operations({ filter: { status: ["PARKED", "NEEDS_ATTENTION"] } }))).toEqual(waiting);
    expect(keysOf(await operations({ filter: { status: [] } }))).toEqual([]);
    expect(keysOf(await operations({ filter: { kind: "OFFBOARD" } }))).toEqual([]);
    expect(keysOf(await operations({ filter: { olderThan: 3_600 } }))).toEqual([]);
    expect(keysOf(await operations({ filter: { olderThan: 0 } }))).toEqual(waiting);
  });

  it.each([1, 2, 3, 5])(
    "lead from page to page of %i without gap or repeat, forward and backward",
    async (size) => {
      const forward: string[] = [];
      for (let after: string | null = null; ; ) {
        const page: Page = await operations({ first: size, after });
        forward.push(...keysOf(page));
        if (!page.pageInfo.hasNextPage) break;
        after = page.pageInfo.endCursor;
      }
      expect(forward).toEqual(waiting);
      const end = await operations({ last: size });
      expect(keysOf(end)).toEqual(waiting.slice(-size));
      const before = await operations({ last: size, before: end.edges[0]?.cursor });
      expect(keysOf(before)).toEqual(waiting.slice(0, -size).slice(-size));
    },
  );

  it("of a tenant's key are all of them, newest first, what has ended included", async () => {
    const page = await operations({ filter: { tenantKey: "done" } });
    expect(page.edges.map(({ node }) => `${node.kind} ${node.status}`)).toEqual(["SIGN_UP SUCCEEDED"]);
    const filter = { tenantKey: "done", status: ["NEEDS_ATTENTION"] };
    expect(keysOf(await operations({ filter }))).toEqual([]);
    for (const tenantKey of ["nobody", "not a key", "\u0000"]) {
      expect(keysOf(await operations({ filter: { tenantKey } }))).toEqual([]);
    }
  });

  it.each([
    ["for what has ended without a key", { filter: { status: ["SUCCEEDED"] } }, "BAD_FILTER"],
    ["for an age of less than nothing", { filter: { olderThan: -1 } }, "BAD_FILTER"],
    ["after another list's cursor", { after: "dGVuYW50Og" }, "BAD_CURSOR"],
  ])("are refused %s", async (_what, args, code) => {
    expect(await codeOf(operations(args))).toBe(code);
  });

  it("are found by the index of open operations, whatever is asked for", async () => {
    const now = new Date();
    const position = { id: "op_0", createdAt: now };
    for (const page of [
      { limit: 20, isBackward: false },
      { limit: 20, isBackward: false, after: position },
      { limit: 20, isBackward: true, before: position },
    ]) {
      const query = openOperationsQuery(
        { statuses: ["NEEDS_ATTENTION", "PARKED"], kind: "SIGN_UP", unchangedSince: now },
        page,
      );
      const plan = await world.prisma.$transaction(async (tx) => {
        // So few rows are read faster without any index.
        await tx.$executeRaw`SET LOCAL enable_seqscan = off`;
        await tx.$executeRaw`SET LOCAL enable_bitmapscan = off`;
        return tx.$queryRawUnsafe<Record<string, string>[]>(`EXPLAIN ${written(query)}`);
      });
      const lines = plan.flatMap((row) => Object.values(row)).join("\n");
      expect(lines.match(/Index Scan( Backward)? using operation_open on operation/g)).toHaveLength(2);
      expect(lines).not.toContain("Seq Scan");
    }
  });
});

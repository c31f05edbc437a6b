import { queryFromInfo } from "@pothos/plugin-prisma";
import { resolveCursorConnection } from "@pothos/plugin-relay";
import { GraphQLError } from "graphql";
import type { Tenant } from "../generated/prisma/client.ts";
import { TenantStatus as statuses } from "../generated/prisma/enums.ts";
import { findTenantIds, searchLengthMax } from "../tenants/find-tenants.ts";
import { tenantKeySchema } from "../tenants/place.ts";
import { builder } from "./builder.ts";
import { MemoryAccessRef } from "./memory-access.ts";
import { andVisible, visibleOperations, visibleResources, visibleTenants } from "./visible.ts";

const TenantStatus = builder.enumType("TenantStatus", {
  description: "PROVISIONING becomes ACTIVE or FAILED; ACTIVE becomes OFFBOARDING, then OFFBOARDED.",
  values: {
    PROVISIONING: {
      value: statuses.PROVISIONING,
      description: "Its sign-up is under way, or its undoing is stuck.",
    },
    ACTIVE: { value: statuses.ACTIVE, description: "It has its place." },
    FAILED: { value: statuses.FAILED, description: "Its sign-up was undone. The key is free again." },
    OFFBOARDING: { value: statuses.OFFBOARDING, description: "Its place is being taken away." },
    OFFBOARDED: {
      value: statuses.OFFBOARDED,
      description: "Its place is gone, proved, or the customer's own again. The key is free again.",
    },
  },
});

const TenantNode = builder.prismaNode("Tenant", {
  id: { field: "id" },
  nullable: true,
  findUnique: (id, { caller }) => andVisible(id, visibleTenants(caller)),
  description: "A customer of this control plane: one life of one key.",
  fields: (t) => ({
    key: t.exposeString("key", { description: "The caller's own word for the customer. Never changes." }),
    generation: t.exposeInt("generation", {
      description: "1 for the first tenant of this key; a customer who comes back is the next.",
    }),
    name: t.exposeString("name"),
    status: t.expose("status", { type: TenantStatus }),
    memoryAccess: t.field({
      authScopes: { can: "own:read" },
      type: MemoryAccessRef,
      select: { id: true },
      resolve: async ({ id }, _args, { accessLoader }) => {
        const access = await accessLoader.access.load(id);
        if (access === null) throw new Error(`There is no tenant ${id}.`);
        return access;
      },
    }),
    drift: t.exposeStringList("drift", {
      description: "What the last read-back found different in Mem0 from what was asked for. Empty: nothing.",
    }),
    readBackAt: t.expose("readBackAt", {
      type: "DateTime",
      nullable: true,
      description: "When the place was last read back whole. Null: not yet.",
    }),
    createdAt: t.expose("createdAt", { type: "DateTime" }),
    activatedAt: t.expose("activatedAt", { type: "DateTime", nullable: true }),
    closedAt: t.expose("closedAt", {
      type: "DateTime",
      nullable: true,
      description: "When it became FAILED or OFFBOARDED.",
    }),
    resources: t.relation("resources", {
      authScopes: { can: ["control:read", "tenants:sign-up", "tenants:off-board"] },
      description: "The mapping: everything in Mem0 that is this tenant's, or was.",
      query: (_args, { caller }) => ({ where: visibleResources(caller), orderBy: { id: "asc" } }),
    }),
    operations: t.relatedConnection("operations", {
      authScopes: { can: ["control:read", "tenants:sign-up", "tenants:off-board"] },
      cursor: "id",
      description: "What was done to this tenant, newest first.",
      query: (_args, { caller }) => ({ where: visibleOperations(caller), orderBy: { id: "desc" } }),
    }),
  }),
});

const TenantFilter = builder.inputType("TenantFilter", {
  description: "All that is given must hold.",
  fields: (t) => ({
    status: t.field({ type: TenantStatus }),
    search: t.string({
      description:
        "Words; each must be the beginning of a word of the key or the name, without regard to case.",
    }),
  }),
});

builder.queryField("tenant", (t) =>
  t.prismaField({
    authScopes: { can: "own:read" },
    type: "Tenant",
    nullable: true,
    description: "The newest tenant of a key, whatever became of it.",
    args: { key: t.arg.string({ required: true }) },
    resolve: async (query, _root, { key }, { prisma, caller }) => {
      // What cannot be a key is nobody's, and some of it (NUL) the database would not even look for.
      if (!tenantKeySchema.safeParse(key).success) return null;
      const where = { key, AND: [visibleTenants(caller)] };
      return prisma.tenant.findFirst({ ...query, where, orderBy: { generation: "desc" } });
    },
  }),
);

function cursorOf(id: string): string {
  return Buffer.from(`tenant:${id}`).toString("base64url");
}

function idOfCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const [, id] = /^tenant:(tnt_[0-9a-z]{26})$/.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  if (id !== undefined) return id;
  throw new GraphQLError("This is not a cursor of this list.", { extensions: { code: "BAD_CURSOR" } });
}

function checkedSearch(search: string | undefined): string | undefined {
  if (search === undefined || search.length <= searchLengthMax) return search;
  const message = `A search has at most ${searchLengthMax} characters.`;
  throw new GraphQLError(message, { extensions: { code: "BAD_SEARCH" } });
}

builder.queryField("tenants", (t) =>
  t.connection({
    authScopes: { can: "control:read" },
    type: TenantNode,
    description:
      "Tenants, newest first. There is no total count: counting a million rows is not a page's business.",
    args: { filter: t.arg({ type: TenantFilter }) },
    resolve: (_root, args, context, info) =>
      resolveCursorConnection<Promise<Tenant[]>>(
        { args, defaultSize: 20, maxSize: 100, toCursor: ({ id }: Tenant) => cursorOf(id) },
        async ({ before, after, limit, inverted }): Promise<Tenant[]> => {
          const filter = {
            status: args.filter?.status ?? undefined,
            search: checkedSearch(args.filter?.search ?? undefined),
          };
          const page = { limit, after: idOfCursor(after), before: idOfCursor(before), isBackward: inverted };
          const ids = await findTenantIds(context.prisma, filter, page);
          // Pothos types a selection more loosely than Prisma takes it; it is made from Prisma's own model.
          const query: object = queryFromInfo({
            context,
            info,
            typeName: "Tenant",
            paths: [["edges", "node"]],
          });
          const tenants = await context.prisma.tenant.findMany({ ...query, where: { id: { in: ids } } });
          const byId = new Map(tenants.map((tenant) => [tenant.id, tenant]));
          return ids.flatMap((id) => byId.get(id) ?? []);
        },
      ),
  }),
);

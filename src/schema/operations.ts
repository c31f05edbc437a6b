import { queryFromInfo } from "@pothos/plugin-prisma";
import { resolveCursorConnection } from "@pothos/plugin-relay";
import { GraphQLError } from "graphql";
import type { Operation } from "../generated/prisma/client.ts";
import type { OperationKind, OperationStatus } from "../generated/prisma/enums.ts";
import {
  findOpenOperations,
  findTenantOperations,
  type OperationPosition,
  type PageOfOperations,
} from "../tenants/find-operations.ts";
import type { Db } from "../tenants/mapping.ts";
import { isOpen, openStatuses } from "../tenants/operation-store.ts";
import { tenantKeySchema } from "../tenants/place.ts";
import { builder } from "./builder.ts";
import { OperationKindEnum, OperationNode, OperationStatusEnum } from "./operation.ts";

/** The longest age that can be asked for: about 31 years, in seconds. */
const ageMax = 1_000_000_000;

const OperationFilter = builder.inputType("OperationFilter", {
  description: "All that is given must hold.",
  fields: (t) => ({
    status: t.field({
      type: [OperationStatusEnum],
      description: "In one of these. What has ended is found together with `tenantKey` only.",
    }),
    kind: t.field({ type: OperationKindEnum }),
    tenantKey: t.string({ description: "Of any tenant that ever had this key." }),
    olderThan: t.int({ description: "In its status for at least so many seconds; see `Operation.age`." }),
  }),
});

/** What a caller looks for, checked. */
interface Wish {
  readonly status: readonly OperationStatus[] | undefined;
  readonly kind: OperationKind | undefined;
  readonly tenantKey: string | undefined;
  readonly unchangedSince: Date | undefined;
}

function badFilter(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: "BAD_FILTER" } });
}

function unchangedSince(olderThan: number | undefined): Date | undefined {
  if (olderThan === undefined) return undefined;
  if (olderThan < 0 || olderThan > ageMax) throw badFilter(`olderThan is 0 to ${ageMax} seconds.`);
  return new Date(Date.now() - olderThan * 1_000);
}

/** The ids of a page. What has ended is in no index by its status, so that it is looked for under one key alone. */
async function findIds(db: Db, wish: Wish, page: PageOfOperations): Promise<string[]> {
  const { tenantKey, kind, unchangedSince: since } = wish;
  if (tenantKey !== undefined) {
    // What cannot be a key is nobody's, and some of it (NUL) the database would not even look for.
    if (!tenantKeySchema.safeParse(tenantKey).success) return [];
    return findTenantOperations(db, { tenantKey, kind, statuses: wish.status, unchangedSince: since }, page);
  }
  const statuses = (wish.status ?? openStatuses).filter(isOpen);
  if (statuses.length < (wish.status ?? statuses).length) {
    throw badFilter("Operations that have ended are found together with a tenantKey only.");
  }
  return findOpenOperations(db, { statuses, kind, unchangedSince: since }, page);
}

function cursorOf({ id, createdAt }: OperationPosition): string {
  return Buffer.from(`operation:${createdAt.getTime()}:${id}`).toString("base64url");
}

function positionOfCursor(cursor: string | undefined): OperationPosition | undefined {
  if (cursor === undefined) return undefined;
  const [, time, id] =
    /^operation:(\d{1,15}):(op_[0-9a-z]{26})$/.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  if (id !== undefined) return { id, createdAt: new Date(Number(time)) };
  throw new GraphQLError("This is not a cursor of this list.", { extensions: { code: "BAD_CURSOR" } });
}

builder.queryField("operations", (t) =>
  t.connection({
    authScopes: { can: "control:read" },
    type: OperationNode,
    description:
      "The on-call's list: open operations, the oldest first; NEEDS_ATTENTION is what waits for a person. With " +
      "`tenantKey`: everything that was done to the tenants of that key, the newest first.",
    args: { filter: t.arg({ type: OperationFilter }) },
    resolve: (_root, args, context, info) =>
      resolveCursorConnection<Promise<Operation[]>>(
        { args, defaultSize: 20, maxSize: 100, toCursor: (operation: Operation) => cursorOf(operation) },
        async ({ before, after, limit, inverted }): Promise<Operation[]> => {
          const { filter } = args;
          const wish = {
            status: filter?.status ?? undefined,
            kind: filter?.kind ?? undefined,
            tenantKey: filter?.tenantKey ?? undefined,
            unchangedSince: unchangedSince(filter?.olderThan ?? undefined),
          };
          const page = {
            limit,
            after: positionOfCursor(after),
            before: positionOfCursor(before),
            isBackward: inverted,
          };
          const ids = await findIds(context.prisma, wish, page);
          // Pothos types a selection more loosely than Prisma takes it; it is made from Prisma's own model.
          const query: object = queryFromInfo({
            context,
            info,
            typeName: "Operation",
            paths: [["edges", "node"]],
          });
          const operations = await context.prisma.operation.findMany({
            ...query,
            where: { id: { in: ids } },
          });
          const byId = new Map(operations.map((operation) => [operation.id, operation]));
          return ids.flatMap((id) => byId.get(id) ?? []);
        },
      ),
  }),
);

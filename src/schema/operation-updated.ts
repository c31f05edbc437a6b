import { GraphQLError } from "graphql";
import { OperationNotFound, Refusal } from "../tenants/refusals.ts";
import { builder } from "./builder.ts";
import { visibleOperations } from "./visible.ts";

builder.subscriptionField("operationUpdated", (t) =>
  t.prismaField({
    authScopes: { can: "own:read" },
    type: "Operation",
    description:
      "An operation as it is now, and again after each change; changes in quick succession are one. Ends when the " +
      "operation has ended, and after 15 minutes at most: then subscribe again. Over server-sent events, by " +
      "`Accept: text/event-stream`. Errors: NOT_FOUND; TOO_MANY_SUBSCRIPTIONS (try again later).",
    args: { id: t.arg.globalID({ required: true }) },
    subscribe: async (_root, { id }, { prisma, caller, watch, signal }) => {
      try {
        if (id.typename !== "Operation") throw new OperationNotFound();
        const where = { id: id.id, AND: [visibleOperations(caller)] };
        if ((await prisma.operation.findUnique({ where, select: { id: true } })) === null)
          throw new OperationNotFound();
        return await watch.follow(id.id, signal);
      } catch (error) {
        throw error instanceof Refusal ? toGraphqlError(error) : error;
      }
    },
    // The update says only that there is one: what is asked for is read when it is to be sent.
    resolve: (query, operationId, _args, { prisma }) =>
      prisma.operation.findUniqueOrThrow({ ...query, where: { id: operationId } }),
  }),
);

/** A subscription has no union for its refusals: the result of one is the result of each of its updates. */
function toGraphqlError(refusal: Refusal): GraphQLError {
  const code = refusal instanceof OperationNotFound ? "NOT_FOUND" : refusal.code;
  return new GraphQLError(refusal.message, { extensions: { code, retryable: refusal.retryable } });
}

import { GraphQLError } from "graphql";
import { builder } from "./builder.ts";
import "./api-token.ts";

builder.queryField("apiTokens", (t) =>
  t.prismaConnection({
    authScopes: { can: ["tokens:manage", "control:read"] },
    type: "ApiToken",
    cursor: "id",
    description: "The tokens of the API, newest first; also those that have ended.",
    resolve: (query, _root, _args, { prisma }) => {
      // What no id of a token can hold, such as NUL, the database would not even look for.
      const { cursor } = query;
      if (cursor?.id !== undefined && !/^tok_[0-9a-z]{26}$/.test(cursor.id)) {
        throw new GraphQLError("This is not a cursor of this list.", { extensions: { code: "BAD_CURSOR" } });
      }
      return prisma.apiToken.findMany({ ...query, orderBy: { id: "desc" } });
    },
  }),
);

import { builder } from "./builder.ts";
import type { UpstreamConnection } from "./upstream-page-connection.ts";

type NodeRef<Node> = ReturnType<ReturnType<typeof builder.objectRef<Node>>["implement"]>;

/**
 * The GraphQL types of a Relay connection over a list of Mem0's: `<name>Connection` and `<name>Edge`. `Whole` is what a
 * list knows besides.
 */
export function upstreamConnectionType<
  Node,
  Whole extends UpstreamConnection<Node> = UpstreamConnection<Node>,
>(name: string, node: NodeRef<Node>) {
  const edge = builder.edgeObject({ name: `${name}Edge`, type: node });
  return builder.objectRef<Whole>(`${name}Connection`).implement({
    description:
      "A stretch of a list that Mem0 pages by number: what is added or removed between two pages may show up twice, or " +
      "not at all.",
    fields: (t) => ({
      edges: t.field({ type: [edge], resolve: ({ edges }) => edges }),
      pageInfo: t.field({ type: builder.pageInfoRef(), resolve: ({ pageInfo }) => pageInfo }),
      totalCount: t.int({
        nullable: true,
        description: "How many there are in the whole list. Null: Mem0 did not say.",
        resolve: ({ totalCount }) => totalCount,
      }),
    }),
  });
}

import { type DefaultConnectionArguments, resolveCursorConnection } from "@pothos/plugin-relay";
import { GraphQLError } from "graphql";

/** Where something stands in a list: behind all that is older. Of two of one moment the smaller id comes first. */
export interface Mem0Position {
  readonly createdAt: Date;
  readonly id: string;
}

/**
 * A page of what Mem0 lists whole, oldest first, 20 by default and 100 at most. Cursors are positions and stay good when what
 * they were given for is gone.
 * @throws {GraphQLError} BAD_CURSOR for a cursor of another list
 */
export function pageOf<Item extends object>(
  kind: "organization" | "project" | "webhook" | "member",
  args: DefaultConnectionArguments,
  items: readonly Item[],
  positionOf: (item: Item) => Mem0Position,
) {
  const toCursor = (item: Item) => cursorOf(kind, positionOf(item));
  return resolveCursorConnection<Promise<Item[]>>(
    { args, defaultSize: 20, maxSize: 100, toCursor },
    async ({ before, after, limit, inverted }) => {
      const from = positionOfCursor(kind, after);
      const to = positionOfCursor(kind, before);
      const page = items
        .filter((item) => from === null || compare(positionOf(item), from) > 0)
        .filter((item) => to === null || compare(positionOf(item), to) < 0)
        .toSorted((one, other) => compare(positionOf(one), positionOf(other)));
      return (inverted ? page.toReversed() : page).slice(0, limit);
    },
  );
}

function compare(one: Mem0Position, other: Mem0Position): number {
  const later = one.createdAt.getTime() - other.createdAt.getTime();
  if (later !== 0) return later;
  if (one.id === other.id) return 0;
  return one.id < other.id ? -1 : 1;
}

function cursorOf(kind: string, { createdAt, id }: Mem0Position): string {
  return Buffer.from(`mem0 ${kind}:${createdAt.getTime()}:${id}`).toString("base64url");
}

function positionOfCursor(kind: string, cursor: string | null | undefined): Mem0Position | null {
  if (cursor === null || cursor === undefined) return null;
  const text = Buffer.from(cursor, "base64url").toString();
  const [, found, time, id] = /^mem0 (\w+):(\d{1,15}):(.+)$/.exec(text) ?? [];
  if (found === kind && id !== undefined) return { createdAt: new Date(Number(time)), id };
  throw new GraphQLError("This is not a cursor of this list.", { extensions: { code: "BAD_CURSOR" } });
}

import { describe, expect, it } from "vitest";
import { pageOfMembers } from "../../src/schema/mem0-member.ts";

const nameless = { userId: null, username: null, email: null };
const members = [
  { ...nameless, role: "READER" },
  { ...nameless, userId: "ada", role: "first" },
  { ...nameless, role: "OWNER" },
  { ...nameless, username: "ada", role: "second" },
  { ...nameless, email: "ada", role: "third" },
  { ...nameless, username: "two\nlines", role: "fourth" },
  { ...nameless, userId: "", role: "fifth" },
];

/** All members, a page at a time, by the cursors of the pages themselves. */
async function walk(size: number): Promise<(string | null | undefined)[]> {
  const roles: (string | null | undefined)[] = [];
  let after: string | null = null;
  for (;;) {
    const page = await pageOfMembers({ first: size, after }, members);
    roles.push(...(page?.edges ?? []).map((edge) => edge?.node.role));
    if (page?.pageInfo.hasNextPage !== true) return roles;
    after = page.pageInfo.endCursor ?? null;
  }
}

describe("a page of members", () => {
  it.each([1, 2, 3, 10])(
    "of %i goes on from its own cursor over each member once, whatever Mem0 leaves out of them",
    async (size) => {
      const everybody = ["READER", "OWNER", "fifth", "first", "second", "third", "fourth"];
      expect(await walk(size)).toEqual(everybody);
    },
  );

  it("goes backwards over the same", async () => {
    const all = await pageOfMembers({ first: 10 }, members);
    const last = await pageOfMembers({ last: 2, before: all?.pageInfo.endCursor ?? null }, members);
    expect(last?.edges.map((edge) => edge?.node.role)).toEqual(["second", "third"]);
  });
});

import type { DefaultConnectionArguments } from "@pothos/plugin-relay";
import type { Member } from "../mem0/members.ts";
import type { OrganizationMember } from "../mem0/organization-members.ts";
import { builder } from "./builder.ts";
import { pageOf } from "./mem0-list.ts";

/** A member as an organization or a project shows him. */
export const Mem0Member = builder.objectRef<Member>("Mem0Member").implement({
  description: "A person in an organization or project of Mem0.",
  fields: (t) => ({
    email: t.exposeString("email", { nullable: true }),
    username: t.exposeString("username", { nullable: true }),
    role: t.exposeString("role", { nullable: true, description: "In Mem0's words: READER, OWNER." }),
  }),
});

type ListedMember = Member & Partial<Pick<OrganizationMember, "userId">>;

const Mem0ListedMember = builder.objectRef<ListedMember>("Mem0ListedMember").implement({
  description: "A member as Mem0's own list of members shows him. What the list leaves out is null.",
  fields: (t) => ({
    userId: t.string({
      nullable: true,
      description: "Mem0's id of the person; an organization's list has it.",
      resolve: ({ userId }) => userId ?? null,
    }),
    email: t.exposeString("email", { nullable: true }),
    username: t.exposeString("username", { nullable: true, description: "A project's list has it." }),
    role: t.exposeString("role", { nullable: true }),
  }),
});

/** A page of Mem0's own list of members of an organization or a project. */
export const Mem0MemberConnection = builder.connectionObject(
  { type: Mem0ListedMember, name: "Mem0MemberConnection" },
  { name: "Mem0MemberEdge" },
);

/**
 * A page of members, in the order of whatever the list tells them apart by; no list says since when they are. Those that it
 * tells apart by nothing stand as they are listed, each at a position of its own.
 */
export function pageOfMembers(args: DefaultConnectionArguments, members: readonly ListedMember[]) {
  const alikes = new Map<string, number>();
  const placed = members.map((member) => {
    const name = member.userId ?? member.username ?? member.email ?? "";
    const alike = alikes.get(name) ?? 0;
    alikes.set(name, alike + 1);
    // Never empty, and in one line whatever the name holds: a cursor must be readable again.
    return { ...member, position: JSON.stringify([name, alike]) };
  });
  return pageOf("member", args, placed, ({ position }) => ({ createdAt: new Date(0), id: position }));
}

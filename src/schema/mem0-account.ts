import { resolveCursorConnection } from "@pothos/plugin-relay";
import { GraphQLError } from "graphql";
import type { Mem0Account } from "../generated/prisma/client.ts";
import {
  AccountInUse,
  AccountNotFound,
  AccountNotLinkable,
  AccountNotUsable,
  PlaceNotManaged,
} from "../tenants/account-refusals.ts";
import { findAccounts } from "../tenants/mem0-accounts.ts";
import { closedStatuses } from "../tenants/tenant.ts";
import { builder } from "./builder.ts";
import { carryTenant } from "./carry-tenant.ts";
import { ErrorInterface } from "./errors.ts";
import { TenantRef } from "./mem0-tenant.ts";
import { KeyStateEnum } from "./project-key.ts";
import { andVisible, visibleControl } from "./visible.ts";

/** An organization or a project of a linked account, as it was when its key was last linked. */
interface LinkedThing {
  readonly mem0Id: string;
  readonly name: string;
}

const LinkedOrganization = builder.objectRef<LinkedThing>("LinkedOrganization").implement({
  description: "The organization of a customer's own account.",
  fields: (t) => ({
    mem0Id: t.exposeString("mem0Id", { description: "Mem0's id." }),
    name: t.exposeString("name", { description: "Its name when the account's key was last linked." }),
  }),
});

const LinkedProject = builder.objectRef<LinkedThing>("LinkedProject").implement({
  description: "The project of a customer's own account: the one that its key reaches.",
  fields: (t) => ({
    mem0Id: t.exposeString("mem0Id", { description: "Mem0's id." }),
    name: t.exposeString("name", { description: "Its name when the account's key was last linked." }),
  }),
});

const Mem0AccountNode = builder.prismaNode("Mem0Account", {
  id: { field: "id" },
  nullable: true,
  // The platform's own account lies in the same table, and is none of these.
  findUnique: (id, { caller }) => ({ ...andVisible(id, visibleControl(caller)), role: "CUSTOMER" }),
  description:
    "A customer's own Mem0 account that was linked by its API key. The key is stored sealed, and never shown. A tenant can be " +
    "signed up onto it with `signUpLinkedTenant`.",
  fields: (t) => ({
    label: t.string({
      description: "What people call it.",
      select: { label: true },
      resolve: ({ label }) => label ?? "",
    }),
    organization: t.field({
      type: LinkedOrganization,
      select: { orgId: true, organizationName: true },
      resolve: ({ orgId, organizationName }) => ({ mem0Id: orgId, name: organizationName ?? "" }),
    }),
    project: t.field({
      type: LinkedProject,
      select: { projectId: true, projectName: true },
      resolve: ({ projectId, projectName }) => ({ mem0Id: projectId, name: projectName ?? "" }),
    }),
    userEmail: t.exposeString("userEmail", { description: "The Mem0 user whose key it is." }),
    keyHint: t.string({
      description: "The last four characters of its key, to tell keys apart.",
      select: { keyHint: true },
      resolve: ({ keyHint }) => keyHint ?? "",
    }),
    state: t.field({
      type: KeyStateEnum,
      description: "DETACHED: the account was unlinked.",
      select: { keyState: true },
      resolve: ({ keyState }) => keyState ?? "DETACHED",
    }),
    provedAt: t.expose("provedAt", {
      type: "DateTime",
      nullable: true,
      description:
        "When Mem0 last said that the key is of this project. After 24 hours without that it is not used.",
    }),
    refutedBecause: t.exposeString("refutedBecause", {
      nullable: true,
      description: "Why its last proof failed. Null: it did not.",
    }),
    linkedAt: t.expose("createdAt", { type: "DateTime" }),
    linkedBy: t.exposeString("linkedBy", { nullable: true }),
    unlinkedAt: t.expose("detachedAt", {
      type: "DateTime",
      nullable: true,
      description: "When its key was forgotten.",
    }),
    tenant: t.field({
      type: TenantRef,
      nullable: true,
      description: "The tenant that is on it and not closed. Null: none is.",
      select: (_args, _context, nested) => ({
        tenants: nested({ where: { status: { notIn: [...closedStatuses] } }, take: 1 }),
      }),
      resolve: ({ tenants }) => tenants[0] ?? null,
    }),
  }),
});

builder.prismaObjectField("Tenant", "mem0Account", (t) =>
  t.relation("account", {
    authScopes: { can: "control:read" },
    type: Mem0AccountNode,
    nullable: true,
    description:
      "The customer's own account that it was signed up onto, where Loci makes and deletes nothing. Null: Loci made its place.",
  }),
);

function cursorOf({ id }: Pick<Mem0Account, "id">): string {
  return Buffer.from(`mem0Account:${id}`).toString("base64url");
}

function idOfCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const [, id] = /^mem0Account:(acc_[0-9a-z]{26})$/.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  if (id !== undefined) return id;
  throw new GraphQLError("This is not a cursor of this list.", { extensions: { code: "BAD_CURSOR" } });
}

builder.queryField("mem0Accounts", (t) =>
  t.connection({
    authScopes: { can: "control:read" },
    type: Mem0AccountNode,
    description: "The Mem0 accounts of customers that were ever linked, newest first.",
    resolve: (_root, args, { prisma }) =>
      resolveCursorConnection<Promise<Mem0Account[]>>(
        { args, defaultSize: 20, maxSize: 100, toCursor: cursorOf },
        ({ before, after, limit, inverted }) =>
          findAccounts(prisma, {
            ...{ limit, after: idOfCursor(after), before: idOfCursor(before), isBackward: inverted },
          }),
      ),
  }),
);

builder.objectType(AccountNotLinkable, {
  name: "AccountNotLinkable",
  description: "The API key is not of a customer's own Mem0 account. It was not stored.",
  interfaces: [ErrorInterface],
});

builder.objectType(AccountNotFound, {
  name: "AccountNotFound",
  description: "There is no linked account with this id.",
  interfaces: [ErrorInterface],
});

builder.objectType(AccountNotUsable, {
  name: "AccountNotUsable",
  description: "The account was unlinked, or its key failed its last proof. Link it again.",
  interfaces: [ErrorInterface],
});

const carryingTenant = [
  builder.objectType(AccountInUse, {
    name: "AccountInUse",
    description: "A tenant is on this account, or in its organization.",
    interfaces: [ErrorInterface],
  }),
  builder.objectType(PlaceNotManaged, {
    name: "PlaceNotManaged",
    description: "The tenant is on its customer's own account, where Loci changes nothing.",
    interfaces: [ErrorInterface],
  }),
];

for (const refusal of carryingTenant) carryTenant(refusal);

/**
 * Our own id of an account, from a global one; what cannot be one is not even looked for.
 * @throws {AccountNotFound}
 */
export function accountIdOf({ typename, id }: { readonly typename: string; readonly id: string }): string {
  if (typename !== "Mem0Account" || !/^acc_[0-9a-z]{26}$/.test(id)) throw new AccountNotFound();
  return id;
}

/** The payload of a mutation of an account. */
export function accountPayload(name: string, description: string) {
  return builder.objectRef<Mem0Account>(name).implement({
    description,
    fields: (t) => ({ account: t.field({ type: Mem0AccountNode, resolve: (account) => account }) }),
  });
}

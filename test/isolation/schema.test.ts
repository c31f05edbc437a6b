import { getNamedType, isObjectType } from "graphql";
import { describe, expect, it } from "vitest";
import { schema } from "../../src/schema/schema.ts";
import { fieldsOf } from "./data-plane.ts";
import { memoryCalls } from "./memory-calls.ts";

/** Looked at, and found to say nothing of memories. Whoever adds one says so here, or writes its case. */
const looked = {
  Tenant: [
    "activatedAt",
    "closedAt",
    "createdAt",
    "drift",
    "generation",
    "id",
    "key",
    "mem0Account",
    "memoryAccess",
    "name",
    "operations",
    "readBackAt",
    "resources",
    "status",
  ],
  Mutation: [
    "abortOperation",
    "addMem0OrganizationMember",
    "addMem0ProjectMember",
    "adoptResource",
    "amendOperation",
    "attachProjectKey",
    "changePlace",
    "createApiToken",
    "createMem0Organization",
    "createMem0Project",
    "createMem0Webhook",
    "deleteMem0Organization",
    "deleteMem0Project",
    "deleteMem0Webhook",
    "detachProjectKey",
    "linkMem0Account",
    "offboardTenant",
    "removeMem0OrganizationMember",
    "removeMem0ProjectMember",
    "resumeProvisioning",
    "retryOperation",
    "revokeApiToken",
    "rotateApiToken",
    "rotateEncryptionKey",
    "settleUnaccounted",
    "signUpLinkedTenant",
    "signUpTenant",
    "skipStep",
    "takeInventory",
    "unlinkMem0Account",
    "updateMem0OrganizationMemberRole",
    "updateMem0Project",
    "updateMem0ProjectMemberRole",
    "updateMem0Webhook",
  ],
} as const;

describe("the data plane", () => {
  it.each(["Tenant", "Mutation"] as const)(
    "has a case here for every field of %s that reaches memories",
    (root) => {
      const { dataPlane } = fieldsOf(root);
      const called = new Set(memoryCalls.filter((one) => one.root === root).map(({ field }) => field));
      expect([...called].toSorted()).toEqual(dataPlane);
      expect(dataPlane.length).toBeGreaterThan(7);
    },
  );

  it.each(["Tenant", "Mutation"] as const)("is told from everything else of %s, by name", (root) => {
    expect(fieldsOf(root).others).toEqual(looked[root]);
  });

  it("takes an id in no argument that no case has a place for", () => {
    for (const root of ["Tenant", "Mutation"] as const) {
      const type = schema.getType(root);
      const fields = isObjectType(type) ? type.getFields() : {};
      for (const name of fieldsOf(root).dataPlane) {
        const slots = new Set(
          memoryCalls
            .filter(({ field }) => field === name)
            .flatMap(({ slots: of }) => of.map((slot) => (slot === "cursor" ? "cursor" : "id"))),
        );
        for (const kind of idKinds(fields[name]?.args ?? [], new Set())) expect(slots, name).toContain(kind);
      }
    }
  });

  it("can be reached from the tenant of a key and by its mutations, and from nowhere else", () => {
    const holders = Object.values(schema.getTypeMap()).flatMap((type) =>
      isObjectType(type) &&
      Object.values(type.getFields()).some(({ type: of }) => {
        const named = getNamedType(of);
        return "getTypes" in named && named.getTypes().some(({ name }) => name === "MemoryAccessMissing");
      })
        ? [type.name]
        : [],
    );
    expect(holders.toSorted()).toEqual(["Mutation", "Tenant"]);
  });
});

interface Argument {
  readonly name: string;
  readonly type: Parameters<typeof getNamedType>[0];
}

/** What of the arguments of a field, however deep, names something: ids, and cursors. */
function idKinds(args: readonly Argument[], seen: Set<string>): string[] {
  return args.flatMap(({ name, type }) => {
    const named = getNamedType(type);
    if (named === undefined || seen.has(named.name)) return [];
    if (named.name === "ID") return ["id"];
    if (name === "after" || name === "before") return ["cursor"];
    if (!("getFields" in named)) return [];
    return idKinds(Object.values(named.getFields()) as Argument[], new Set([...seen, named.name]));
  });
}

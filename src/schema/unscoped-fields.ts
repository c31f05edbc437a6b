import { type GraphQLFieldMap, type GraphQLSchema, getNamedType, isLeafType, isObjectType } from "graphql";
import { z } from "zod";
import { scopes } from "../access/caller.ts";

/** What Pothos keeps of a field's options. */
const optionsSchema = z.object({
  pothosOptions: z.object({
    authScopes: z.object({ can: z.union([z.enum(scopes), z.array(z.enum(scopes)).min(1)]) }),
  }),
});

/**
 * The fields that do not say what the caller must be able to do, and have to: those of the three root types, through which every
 * request comes in, and those that lead on from a tenant, to which all kinds of callers get.
 */
export function unscopedFields(schema: GraphQLSchema): string[] {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const names = roots.flatMap((root) => (root ? fieldsWithout(root.name, root.getFields()) : []));
  const tenant = schema.getType("Tenant");
  if (!isObjectType(tenant)) return names;
  const leadingOn = Object.entries(tenant.getFields()).filter(
    ([, { args, type }]) => args.length > 0 || !isLeafType(getNamedType(type)),
  );
  return [...names, ...fieldsWithout("Tenant", Object.fromEntries(leadingOn))];
}

function fieldsWithout(type: string, fields: GraphQLFieldMap<unknown, unknown>): string[] {
  return Object.values(fields)
    .filter(({ extensions }) => !optionsSchema.safeParse(extensions).success)
    .map(({ name }) => `${type}.${name}`);
}

/** @throws {Error} when a field says nothing of what the caller must be able to do: such a schema is not served */
export function refuseUnscopedFields(schema: GraphQLSchema): void {
  const names = unscopedFields(schema);
  if (names.length > 0) throw new Error(`These fields declare no scope (authScopes): ${names.join(", ")}.`);
}

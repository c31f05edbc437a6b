import {
  type GraphQLField,
  type GraphQLInputType,
  GraphQLInt,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
} from "graphql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { roleScopes, type Scope, tenantScopes } from "../../src/access/caller.ts";
import { builder } from "../../src/schema/builder.ts";
import { schema } from "../../src/schema/schema.ts";
import { refuseUnscopedFields, unscopedFields } from "../../src/schema/unscoped-fields.ts";
import { newId } from "../../src/tenants/ids.ts";
import { newToken, sendAs } from "../access/token-rig.ts";
import { freshKey, signUp } from "../main-job.ts";
import { createWorld, type World } from "../world.ts";

/** Every field that says what its caller must be able to do, as the schema itself tells them. */

const types = ["Query", "Mutation", "Subscription", "Tenant"] as const;
type Place = (typeof types)[number];
type Field = GraphQLField<unknown, unknown>;

interface Scoped {
  readonly place: Place;
  readonly field: Field;
  readonly can: readonly string[];
}

/** What Pothos keeps of a field's options. */
interface Options {
  readonly pothosOptions?: { readonly authScopes?: { readonly can?: string | readonly string[] } };
}

function scopedFields(): Scoped[] {
  return types.flatMap((place) => {
    const type = schema.getType(place);
    if (!isObjectType(type)) throw new Error(`There is no ${place}.`);
    return Object.values(type.getFields()).flatMap((field) => {
      // Whatever is there is Pothos's own.
      const { pothosOptions } = field.extensions as Options;
      const can = [pothosOptions?.authScopes?.can ?? []].flat();
      return can.length === 0 ? [] : [{ place, field, can }];
    });
  });
}

const fields = scopedFields();

/** The kinds of callers, and what the table says each may do. */
const table = {
  ...roleScopes,
  "tenant, read and write": tenantScopes({ isReadOnly: false, hasEntity: false }),
  "tenant, read": tenantScopes({ isReadOnly: true, hasEntity: false }),
  "tenant's user, read and write": tenantScopes({ isReadOnly: false, hasEntity: true }),
  "tenant's user, read": tenantScopes({ isReadOnly: true, hasEntity: true }),
} as const satisfies Record<string, readonly Scope[]>;
type Kind = keyof typeof table;
const kinds = Object.keys(table) as Kind[];

let world: World;
let tenantKey: string;
const tokens = new Map<Kind, string>();

beforeAll(async () => {
  world = await createWorld();
  tenantKey = freshKey();
  await signUp(world, { key: tenantKey });
  for (const role of ["ADMIN", "PROVISIONER", "OFFBOARDER", "AUDITOR"] as const) {
    const { token, apiToken } = await newToken(world, { kind: role });
    tokens.set(role.toLowerCase() as Kind, token);
    await concern(apiToken.actor);
  }
  for (const isReadOnly of [false, true]) {
    for (const isOfUser of [false, true]) {
      const entity = isOfUser ? { entity: { type: "USER", name: "alice" } } : {};
      const { token } = await newToken(world, { kind: "TENANT", tenantKey, isReadOnly, ...entity });
      tokens.set(`tenant${isOfUser ? "'s user" : ""}, read${isReadOnly ? "" : " and write"}`, token);
    }
  }
});
afterAll(() => world?.close());

/** Lets an actor see the tenant, as whoever once asked something to be done to it does. */
async function concern(actor: string): Promise<void> {
  const tenant = await world.prisma.tenant.findFirstOrThrow({ where: { key: tenantKey } });
  const id = newId("op");
  await world.prisma.operation.create({
    data: {
      ...{ id, tenantId: tenant.id, kind: "OFFBOARD", status: "CANCELLED", finishedAt: new Date(), actor },
      ...{ idempotencyKey: id, inputHash: "0".repeat(64), input: {} },
    },
  });
}

/** Anything that the type takes. */
function dummyOf(type: GraphQLInputType): unknown {
  const inner = getNullableType(type);
  if (isListType(inner)) return [dummyOf(inner.ofType)];
  if (isInputObjectType(inner)) {
    const required = Object.values(inner.getFields()).filter(isRequiredInputField);
    return Object.fromEntries(required.map(({ name, type: of }) => [name, dummyOf(of)]));
  }
  if (isEnumType(inner)) return inner.getValues()[0]?.name;
  switch (String(inner)) {
    case "Int":
    case "Float":
      return 1;
    case "Boolean":
      return false;
    case "JSON":
      return {};
    case "DateTime":
      return "2026-01-01T00:00:00.000Z";
    case "ID":
      // One of nothing that there is.
      return Buffer.from(`Operation:${newId("op")}`).toString("base64");
    default:
      return "any";
  }
}

/** A document that asks for one field and says as little as it may. */
function documentOf({ place, field }: Scoped) {
  const args = field.args.filter(isRequiredArgument);
  const declared = args.map(({ name, type }) => `$${name}: ${String(type)}`);
  const passed = args.length === 0 ? "" : `(${args.map(({ name }) => `${name}: $${name}`).join(", ")})`;
  const selection = isLeafType(getNamedType(field.type)) ? "" : "{ __typename }";
  const asked = `${field.name}${passed} ${selection}`;
  const isOfTenant = place === "Tenant";
  const all = isOfTenant ? ["$key: String!", ...declared] : declared;
  const head = `${isOfTenant ? "query" : place.toLowerCase()} ${all.length === 0 ? "" : `(${all.join(", ")})`}`;
  return {
    query: `${head} { ${isOfTenant ? `tenant(key: $key) { ${asked} }` : asked} }`,
    variables: {
      ...Object.fromEntries(args.map(({ name, type }) => [name, dummyOf(type)])),
      ...(isOfTenant ? { key: tenantKey } : {}),
    },
  };
}

/** Whether a caller of this kind may not ask for it, as the API says. */
async function isForbidden(kind: Kind, scoped: Scoped): Promise<boolean> {
  const { query, variables } = documentOf(scoped);
  const heard = await sendAs<{ tenant?: unknown }>(world, tokens.get(kind) ?? "", query, variables);
  const what = `${kind} ${scoped.place}.${scoped.field.name}: ${heard.body}`;
  expect(heard.status, what).toBeLessThan(500);
  // The document means what it is to mean: it is valid, and the tenant is there.
  expect(heard.codes, what).not.toContain("GRAPHQL_VALIDATION_FAILED");
  expect(heard.codes, what).not.toContain("INTERNAL_SERVER_ERROR");
  if (!heard.codes.includes("FORBIDDEN")) {
    if (scoped.place === "Tenant") expect(heard.data?.tenant, what).toBeTruthy();
    return false;
  }
  const { name } = scoped.field;
  expect(heard.body).toContain(`This token may not ask for ${scoped.place}.${name}.`);
  return true;
}

describe("a caller", () => {
  it("has a token of every kind here, and fields to ask for, or else the rest of this file proves nothing", async () => {
    expect(tokens.size).toBe(kinds.length);
    expect(fields.filter(({ place }) => place === "Mutation").length).toBeGreaterThan(40);
    expect(fields.filter(({ place }) => place === "Tenant").length).toBeGreaterThan(10);
    for (const kind of kinds) {
      const { data } = await sendAs<{ viewer: { scopes: string[] } }>(
        ...[world, tokens.get(kind) ?? "", "{ viewer { scopes } }"],
      );
      expect(data?.viewer.scopes, kind).toEqual([...table[kind]].toSorted());
    }
  });

  it.each(fields.map((scoped) => ({ ...scoped, name: `${scoped.place}.${scoped.field.name}` })))(
    "is answered FORBIDDEN by $name exactly when the table of scopes says so",
    async (scoped) => {
      for (const kind of kinds) {
        const may = table[kind].some((scope) => scoped.can.includes(scope));
        expect(await isForbidden(kind, scoped), kind).toBe(!may);
      }
    },
  );

  it("is told by a refusal which field, and nothing of what was asked for", async () => {
    const ask = (key: string) =>
      sendAs(
        ...[
          world,
          tokens.get("auditor") ?? "",
          "mutation ($input: OffboardTenantInput!) { offboardTenant(input: $input) { __typename } }",
        ],
        { input: { key, idempotencyKey: freshKey() } },
      );
    expect((await ask(tenantKey)).body).toBe((await ask("never")).body);
  });
});

describe("what a kind of caller may change", () => {
  const changes = (kind: Kind) =>
    fields
      .filter(({ place, can }) => place === "Mutation" && table[kind].some((scope) => can.includes(scope)))
      .map(({ field }) => field.name)
      .toSorted();
  const ofOne = ["addMemories", "deleteMemory", "giveMemoryFeedback", "updateMemory"];
  const ofAll = [
    "createMemoryExport",
    "deleteEntity",
    "deleteMatchingMemories",
    "deleteMemories",
    "updateMemories",
  ];

  it.each<[Kind, readonly string[]]>([
    ["provisioner", ["signUpLinkedTenant", "signUpTenant"]],
    ["offboarder", ["offboardTenant"]],
    ["auditor", []],
    ["tenant, read and write", [...ofOne, ...ofAll].toSorted()],
    // An export changes no memory; it is how all of them are read at once.
    ["tenant, read", ["createMemoryExport"]],
    ["tenant's user, read and write", ofOne],
    ["tenant's user, read", []],
  ])("is, for a %s, %j", (kind, expected) => {
    expect(changes(kind)).toEqual(expected);
  });

  it("is everything for an admin", () => {
    const all = schema.getMutationType()?.getFields() ?? {};
    expect(changes("admin")).toEqual(Object.keys(all).toSorted());
  });
});

describe("a schema", () => {
  const scoped = { extensions: { pothosOptions: { authScopes: { can: "own:read" } } } };
  const field = { type: GraphQLInt };
  const make = (parts: { query?: object; mutation?: object; subscription?: object; tenant?: object }) => {
    const root = (name: string, more: object = {}) =>
      new GraphQLObjectType({ name, fields: { ok: { ...field, ...scoped }, ...more } });
    const tenant = new GraphQLObjectType({
      name: "Tenant",
      fields: { name: { type: GraphQLString }, ...parts.tenant },
    });
    return new GraphQLSchema({
      query: root("Query", { tenant: { type: tenant, ...scoped }, ...parts.query }),
      mutation: root("Mutation", parts.mutation),
      subscription: root("Subscription", parts.subscription),
    });
  };

  it("is served when all its fields say what their callers must be able to do, and the real one is", () => {
    expect(() => refuseUnscopedFields(make({}))).not.toThrow();
    expect(unscopedFields(schema)).toEqual([]);
  });

  const other = new GraphQLObjectType({ name: "Other", fields: { any: field } });
  it.each([
    ["Query.bare", { query: { bare: field } }],
    ["Mutation.bare", { mutation: { bare: field } }],
    ["Subscription.bare", { subscription: { bare: field } }],
    ["Tenant.bare", { tenant: { bare: { ...field, args: { any: field } } } }],
    ["Tenant.bare", { tenant: { bare: { type: other } } }],
  ])("is refused when %s says nothing of that", (name, parts) => {
    expect(() => refuseUnscopedFields(make(parts))).toThrow(name);
  });

  it.each([[[]], ["own:reed"], [["own:read", "any"]], [null]])(
    "is refused when a field needs %j, which is no scope",
    (can) => {
      const bare = { ...field, extensions: { pothosOptions: { authScopes: { can } } } };
      expect(() => refuseUnscopedFields(make({ query: { bare } }))).toThrow("Query.bare");
    },
  );

  it("is refused as our builder makes it when a field of it was forgotten", () => {
    expect(() => refuseUnscopedFields(builder.toSchema())).not.toThrow();
    builder.queryField("forgotten", (t) => t.int({ resolve: () => 1 }));
    expect(() => refuseUnscopedFields(builder.toSchema())).toThrow("Query.forgotten");
  });
});

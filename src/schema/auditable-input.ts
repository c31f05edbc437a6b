import {
  type GraphQLInputType,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
} from "graphql";
import { z } from "zod";
import type { Prisma } from "../generated/prisma/client.ts";
import { pseudonymOf } from "../tenants/masked.ts";

/**
 * The texts of inputs that stand in the audit as they were given, but for the e-mail addresses in them. Every other text, and
 * all JSON, is counted and not kept: memories, keys, URLs, instructions, and what a later field will hold.
 */
export const plainTexts: ReadonlySet<string> = new Set([
  ...["key", "tenantKey", "name", "label", "idempotencyKey", "step", "evidence"],
  ...["organizationId", "projectId", "webhookId", "upstreamId"],
  ...["email", "from", "to", "removeMembers", "removeWebhooks"],
  ...["expirationDate", "observationDate", "timezone"],
]);

/** Who a tenant's end users are is the tenant's business: of their names a pseudonym is kept. By input type, or in any. */
const endUsers: ReadonlySet<string> = new Set([
  ...["userId", "agentId", "appId", "runId"],
  ...["DeleteEntityInput.name", "ApiTokenEntityInput.name"],
]);

/** Inputs whose `reason` is not why the caller calls, but what somebody thinks of a memory. */
const withoutReason: ReadonlySet<string> = new Set(["GiveMemoryFeedbackInput"]);

/** Inputs that hold what people said, or look for: of them nothing is kept but that they were given, and how many. */
export const hiddenInputs: ReadonlySet<string> = new Set(["MemoryMessageInput", "MemoryFilterInput"]);

/** Scalars that can hold no secret. */
const plainScalars: ReadonlySet<string> = new Set(["Int", "Float", "Boolean", "ID", "DateTime"]);

/** What is kept of a mutation's argument `input` of this type. Answers an empty object for what is no input object. */
export function auditableInput(type: GraphQLInputType, input: unknown): Prisma.InputJsonObject {
  const named = getNamedType(type);
  const given = recordSchema.safeParse(input);
  if (!isInputObjectType(named) || !given.success) return {};
  const fields = named.getFields();
  const kept = Object.entries(given.data).flatMap(([name, value]) => {
    const field = fields[name];
    if (field === undefined || value === null || value === undefined) return [];
    // A reason has a place of its own in every event.
    if (name === "reason" && !withoutReason.has(named.name)) return [];
    const isEndUser = endUsers.has(name) || endUsers.has(`${named.name}.${name}`);
    if (isEndUser && typeof value === "string") return [[name, pseudonymOf(value)] as const];
    return [[name, auditableValue(field.type, name, value)] as const];
  });
  return Object.fromEntries(kept);
}

/** Why the caller calls, as an input of this type says it; empty where it does not. */
export function reasonOf(type: GraphQLInputType, input: unknown): string {
  const given = reasonSchema.safeParse(input);
  return given.success && !withoutReason.has(getNamedType(type).name) ? given.data.reason : "";
}

const reasonSchema = z.object({ reason: z.string() });
const recordSchema = z.record(z.string(), z.unknown());

function auditableValue(type: GraphQLInputType, name: string, value: unknown): Prisma.InputJsonValue | null {
  const nullable = getNullableType(type);
  const named = getNamedType(type);
  if (value === null || value === undefined) return null;
  if (isListType(nullable) && Array.isArray(value)) {
    if (!isKept(named.name, name) && !isInputObjectType(named) && !isEnumType(named)) return countOf(value);
    if (hiddenInputs.has(named.name)) return countOf(value);
    return value.map((item) => auditableValue(nullable.ofType, name, item));
  }
  if (hiddenInputs.has(named.name)) return "[given]";
  if (isInputObjectType(named)) return auditableInput(named, value);
  if (isEnumType(named) || isKept(named.name, name)) return plainOf(value);
  return typeof value === "string" ? `[${value.length} characters]` : "[given]";
}

function isKept(type: string, name: string): boolean {
  return plainScalars.has(type) || (type === "String" && plainTexts.has(name));
}

function countOf({ length }: readonly unknown[]): string {
  return length === 1 ? "[1 item]" : `[${length} items]`;
}

/** Ids come as text, as a number, or taken apart by Relay. */
function plainOf(value: unknown): Prisma.InputJsonValue | null {
  if (value instanceof Date) return value.toISOString();
  const globalId = globalIdSchema.safeParse(value);
  if (globalId.success) return globalId.data.id;
  const plain = plainSchema.safeParse(value);
  return plain.success ? plain.data : "[given]";
}

const globalIdSchema = z.object({ typename: z.string(), id: z.string() });
const plainSchema = z.union([z.string(), z.number(), z.boolean()]);

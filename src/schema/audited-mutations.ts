import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from "@pothos/core";
import { GraphQLError, type GraphQLFieldResolver, type GraphQLResolveInfo } from "graphql";
import { z } from "zod";
import { AuditedCall, duringCall } from "../tenants/audited-call.ts";
import { type CallEnd, recordEnd } from "../tenants/call-audit.ts";
import { Refusal } from "../tenants/refusals.ts";
import { auditableInput, reasonOf } from "./auditable-input.ts";
import type { Context } from "./builder.ts";

/** The plugin's name. It stands behind the errors, which turn refusals into answers, and before the scopes. */
export const auditPlugin = "lociAudit";

type Resolver = GraphQLFieldResolver<unknown, Context>;

/**
 * Has every mutation leave its trace, whoever writes it: a call that wrote no event of its own by the time it ends gets one,
 * also when it was refused by the scopes or broke. A field that is added to Mutation is audited without doing anything.
 */
class AuditPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override wrapResolve(
    resolver: GraphQLFieldResolver<unknown, Types["Context"], object>,
    { parentType }: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types["Context"], object> {
    if (parentType !== "Mutation") return resolver;
    return (source, args, context, info) =>
      // There is one builder, and one context: Pothos knows it here by the builder's types alone.
      auditing(resolver as Resolver, { source, args, context: context as object as Context, info });
  }
}

declare global {
  // This is how Pothos learns of a plugin.
  namespace PothosSchemaTypes {
    interface Plugins<Types extends SchemaTypes> {
      lociAudit: AuditPlugin<Types>;
    }
  }
}

SchemaBuilder.registerPlugin(auditPlugin, AuditPlugin);

interface FieldCall {
  readonly source: unknown;
  readonly args: object;
  readonly context: Context;
  readonly info: GraphQLResolveInfo;
}

async function auditing(resolve: Resolver, { source, args, context, info }: FieldCall): Promise<unknown> {
  const { caller, requestId, provisioning } = context;
  const call = new AuditedCall({
    actor: caller.actor,
    action: info.fieldName,
    correlationId: requestId,
    ...askedOf(args, info),
  });
  const end = (ended: CallEnd) => recordEnd(provisioning, call, ended, caller.tenantId);
  try {
    const answer: unknown = await duringCall(call, async () => resolve(source, args, context, info));
    await end({ kind: "done", ...operationOf(answer) });
    return answer;
  } catch (error) {
    await end(endOf(error));
    throw error;
  }
}

const inputSchema = z.object({ input: z.unknown() });

function askedOf(args: object, { parentType, fieldName }: GraphQLResolveInfo) {
  const parsed = inputSchema.safeParse(args);
  const input: unknown = parsed.success ? parsed.data.input : null;
  const type = parentType.getFields()[fieldName]?.args.find(({ name }) => name === "input")?.type;
  if (type === undefined) return { reason: "", details: {} };
  return { reason: reasonOf(type, input), details: auditableInput(type, input) };
}

const operationSchema = z.object({ id: z.string().startsWith("op_"), tenantId: z.string() });

/** What starts an operation, or finds the one that was started before, answers it. */
function operationOf(answer: unknown) {
  const operation = operationSchema.safeParse(answer);
  if (!operation.success) return { operationId: null, tenantId: null };
  return { operationId: operation.data.id, tenantId: operation.data.tenantId };
}

function endOf(error: unknown): CallEnd {
  if (error instanceof Refusal) {
    const tenantId = "tenantId" in error && typeof error.tenantId === "string" ? error.tenantId : null;
    return { kind: "refused", code: error.code, tenantId };
  }
  const code = error instanceof GraphQLError ? error.extensions["code"] : undefined;
  return typeof code === "string" ? { kind: "refused", code, tenantId: null } : { kind: "fault" };
}

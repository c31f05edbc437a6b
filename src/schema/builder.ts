import SchemaBuilder from "@pothos/core";
import ErrorsPlugin from "@pothos/plugin-errors";
import PrismaPlugin from "@pothos/plugin-prisma";
import RelayPlugin, { decodeGlobalID } from "@pothos/plugin-relay";
import ScopeAuthPlugin from "@pothos/plugin-scope-auth";
import { GraphQLError } from "graphql";
import type { ApiTokens } from "../access/api-tokens.ts";
import type { Caller, Scope } from "../access/caller.ts";
import type PrismaTypes from "../generated/pothos.ts";
import { getDatamodel } from "../generated/pothos.ts";
import type { PrismaClient } from "../generated/prisma/client.ts";
import type { AccessLoader } from "../memory-access/access-loader.ts";
import type { MemoryDoor } from "../memory-access/memory-door.ts";
import type { ProjectKeys } from "../memory-access/project-keys.ts";
import type { RunStarter } from "../provisioning/engine.ts";
import type { OperationWatch } from "../provisioning/operation-watch.ts";
import type { Provisioning } from "../provisioning/provisioning.ts";
import type { StepDurations } from "../provisioning/step-durations.ts";
import { auditPlugin } from "./audited-mutations.ts";
import type { JsonObject } from "./json.ts";
import type { MetadataValue } from "./metadata-value.ts";
import type { UpstreamMeter } from "./upstream-meter.ts";

/** What every resolver works with. */
export interface Context {
  readonly prisma: PrismaClient;
  readonly provisioning: Provisioning;
  readonly engine: RunStarter;
  readonly watch: OperationWatch;
  readonly durations: StepDurations;
  /** The one way to a tenant's memories. */
  readonly door: MemoryDoor;
  readonly projectKeys: ProjectKeys;
  readonly apiTokens: ApiTokens;
  /** What of memory access is shown; of this request alone. */
  readonly accessLoader: AccessLoader;
  /** What faults are told and logged by, and what events of the audit are known by. */
  readonly requestId: string;
  /** Who asks; every request that gets this far has been authenticated. */
  readonly caller: Caller;
  /** Counts the calls of Mem0 for `extensions.upstream`: every call takes its `count` as `onCall`. */
  readonly meter: UpstreamMeter;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal | null;
}

/** The schema builder: which plugins, which scalars, which context. Types and fields live in files of their own. */
export const builder = new SchemaBuilder<{
  PrismaTypes: PrismaTypes;
  Context: Context;
  Scalars: {
    DateTime: { Input: Date; Output: Date };
    ID: { Input: string; Output: string };
    JSON: { Input: JsonObject; Output: JsonObject };
    MetadataValue: { Input: MetadataValue; Output: MetadataValue };
  };
  AuthScopes: {
    /** What the caller must be able to do; of several, one is enough. */
    can: Scope | readonly Scope[];
  };
  DefaultFieldNullability: false;
  DefaultEdgesNullability: false;
  DefaultNodeNullability: false;
}>({
  plugins: [ErrorsPlugin, auditPlugin, ScopeAuthPlugin, RelayPlugin, PrismaPlugin],
  defaultFieldNullability: false,
  errors: { directResult: true },
  scopeAuth: {
    authScopes: ({ caller }) => ({
      can: (scopes) => [scopes].flat().some((scope) => caller.scopes.has(scope)),
    }),
    // The same for every caller and whatever was asked for: it tells nothing of what there is.
    unauthorizedError: (_parent, _context, info) =>
      new GraphQLError(`This token may not ask for ${info.parentType.name}.${info.fieldName}.`, {
        extensions: { code: "FORBIDDEN" },
      }),
  },
  relay: {
    edgesFieldOptions: { nullable: false },
    nodeFieldOptions: { nullable: false },
    nodeQueryOptions: { authScopes: { can: "own:read" } },
    nodesQueryOptions: { authScopes: { can: "own:read" } },
    decodeGlobalID: printableGlobalID,
  },
  prisma: {
    client: (context) => context.prisma,
    dmmf: getDatamodel(),
    maxConnectionSize: 100,
    defaultConnectionSize: 20,
  },
});

/**
 * Takes a global id apart. Everything that can be none is told in the same words, without repeating it; also what no id of ours can
 * hold, such as NUL, which the database would not even look for.
 */
function printableGlobalID(globalID: string): { typename: string; id: string } {
  const decoded = decodedGlobalID(globalID);
  if (decoded !== null && /^[\x21-\x7e]+$/.test(decoded.id)) return decoded;
  throw new GraphQLError("Invalid global ID.", { extensions: { code: "BAD_REQUEST" } });
}

function decodedGlobalID(globalID: string): { typename: string; id: string } | null {
  try {
    return decodeGlobalID(globalID);
  } catch {
    // It throws for nothing but what has no type in it.
    return null;
  }
}

builder.scalarType("DateTime", {
  description: "A moment, as ISO 8601 in UTC with milliseconds.",
  serialize: (value) => value.toISOString(),
  parseValue: (value) => {
    const date = new Date(String(value));
    if (Number.isNaN(date.getTime())) throw new TypeError("Must be an ISO 8601 date and time.");
    return date;
  },
});

builder.queryType({ description: "Everything that can be read." });
builder.mutationType({
  description:
    "Everything that can be changed. Each mutation answers its payload, or one of the refusals the caller can act on.",
});
builder.subscriptionType({ description: "Everything that can be watched." });

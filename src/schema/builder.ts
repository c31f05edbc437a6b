import SchemaBuilder from "@pothos/core";
import ErrorsPlugin from "@pothos/plugin-errors";
import PrismaPlugin from "@pothos/plugin-prisma";
import RelayPlugin, { decodeGlobalID } from "@pothos/plugin-relay";
import { GraphQLError } from "graphql";
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
  /** What of memory access is shown; of this request alone. */
  readonly accessLoader: AccessLoader;
  /** Who asks; every request that gets this far has been authenticated. */
  readonly caller: { readonly actor: string };
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
  DefaultFieldNullability: false;
  DefaultEdgesNullability: false;
  DefaultNodeNullability: false;
}>({
  plugins: [ErrorsPlugin, RelayPlugin, PrismaPlugin],
  defaultFieldNullability: false,
  errors: { directResult: true },
  relay: {
    edgesFieldOptions: { nullable: false },
    nodeFieldOptions: { nullable: false },
    decodeGlobalID: printableGlobalID,
  },
  prisma: {
    client: (context) => context.prisma,
    dmmf: getDatamodel(),
    maxConnectionSize: 100,
    defaultConnectionSize: 20,
  },
});

/** Takes a global id apart. What no id of ours can hold, such as NUL, the database would not even look for. */
function printableGlobalID(globalID: string): { typename: string; id: string } {
  const decoded = decodeGlobalID(globalID);
  if (/^[\x21-\x7e]+$/.test(decoded.id)) return decoded;
  throw new GraphQLError("Invalid global ID.", { extensions: { code: "BAD_REQUEST" } });
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

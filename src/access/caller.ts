/**
 * What a caller may do. A field of the schema names the one that it needs; a field that names none does not build.
 *
 * - `own:read`: what the caller itself may see of tenants and operations: its own tenant, or what it asked for
 * - `control:read`: all tenants, operations, keys' states, accounts and the installation
 * - `audit:read`: who did what
 * - `mem0:read`, `mem0:write`: Mem0's organizations, projects, members and webhooks by the platform's key
 * - `tenants:sign-up`, `tenants:off-board`: the two sagas
 * - `tenants:operate`: all else that is done to tenants, operations, keys, accounts and the installation
 * - `tokens:manage`: the tokens of the API
 * - `memories:read`, `memories:write`: a tenant's memories
 * - `memories:read-all`, `memories:write-all`: what is of the tenant's whole project, and cannot be narrowed to one entity of it
 */
export const scopes = [
  "own:read",
  "control:read",
  "audit:read",
  "mem0:read",
  "mem0:write",
  "tenants:sign-up",
  "tenants:off-board",
  "tenants:operate",
  "tokens:manage",
  "memories:read",
  "memories:write",
  "memories:read-all",
  "memories:write-all",
] as const;

/** See `scopes`. */
export type Scope = (typeof scopes)[number];

/** A user, agent, app or run of a tenant's project, by the name that the tenant's product gave it. */
export interface CallerEntity {
  readonly type: "user" | "agent" | "app" | "run";
  readonly id: string;
}

/** Who asks, as far as it decides anything. Made from the credential alone; nothing in a request adds to it. */
export interface Caller {
  /** What is written wherever it says who asked. The same through rotations of a token. */
  readonly actor: string;
  readonly scopes: ReadonlySet<Scope>;
  /** The one tenant that there is for this caller. Null: it is bound to none. */
  readonly tenantId: string | null;
  /** The one entity of that tenant whose memories there are for this caller. Null: all. */
  readonly entity: CallerEntity | null;
}

/** What callers of each role may do. A tenant's may be narrowed further: see `tenantScopes`. */
export const roleScopes = {
  admin: scopes,
  provisioner: ["own:read", "tenants:sign-up"],
  offboarder: ["own:read", "tenants:off-board"],
  auditor: ["own:read", "control:read", "audit:read"],
} as const satisfies Record<string, readonly Scope[]>;

/** A role that is bound to no tenant. */
export type CallerRole = keyof typeof roleScopes;

/** What a tenant's caller may do. */
export function tenantScopes(narrowed: {
  readonly isReadOnly: boolean;
  readonly hasEntity: boolean;
}): readonly Scope[] {
  const { isReadOnly, hasEntity } = narrowed;
  const reads: readonly Scope[] = [
    "own:read",
    "memories:read",
    ...(hasEntity ? [] : ["memories:read-all" as const]),
  ];
  if (isReadOnly) return reads;
  return [...reads, "memories:write", ...(hasEntity ? [] : ["memories:write-all" as const])];
}

/** A caller of a role that is bound to no tenant. */
export function callerOf(role: CallerRole, actor: string): Caller {
  return { actor, scopes: new Set<Scope>(roleScopes[role]), tenantId: null, entity: null };
}

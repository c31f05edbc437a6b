import { createSchema } from "graphql-yoga";

/** What a test sees of the subscriptions. */
export interface SubscriptionCount {
  running: number;
}

/** Enough of the schema for every preset to be valid. */
const tenantTypeDefs = /* GraphQL */ `
  enum Role { READER OWNER }
  enum OnUnknownMember { WAIT REFUSE }
  enum EventType { MEMORY_ADD }
  enum TenantStatus { ACTIVE OFFBOARDED }
  input Member { email: String!, role: Role! }
  input Webhook { url: String!, eventTypes: [EventType!]! }
  input SignUpTenantInput {
    key: String!, name: String!, idempotencyKey: String!, waitMs: Int, members: [Member!]
    onUnknownMember: OnUnknownMember, webhooks: [Webhook!]
  }
  input OffboardTenantInput { key: String!, idempotencyKey: String!, waitMs: Int }
  input TenantFilter { status: TenantStatus, search: String }
  type MemoryAccess { state: String!, missingFor: [String!]!, howTo: String }
  type Resource { kind: String!, name: String!, state: String!, upstreamId: String }
  type Step { name: String!, status: String!, attempts: Int!, startedAt: String, finishedAt: String }
  type Operation { id: ID!, kind: String!, status: String!, steps: [Step!]! }
  type OperationEdge { node: Operation! }
  type OperationConnection { edges: [OperationEdge!]! }
  type Tenant {
    id: ID!, key: String!, name: String!, status: TenantStatus!, memoryAccess: MemoryAccess!
    resources: [Resource!]!, operations(first: Int!): OperationConnection!
  }
  type TenantEdge { node: Tenant! }
  type PageInfo { hasNextPage: Boolean!, endCursor: String }
  type TenantConnection { edges: [TenantEdge!]!, pageInfo: PageInfo! }
  interface Error { message: String!, code: String!, retryable: Boolean! }
  type TenantKeyTaken implements Error { message: String!, code: String!, retryable: Boolean! }
  type SignUpTenantPayload { tenant: Tenant!, operation: Operation! }
  type OffboardTenantPayload { tenant: Tenant!, operation: Operation! }
  union SignUpTenantResult = SignUpTenantPayload | TenantKeyTaken
  union OffboardTenantResult = OffboardTenantPayload | TenantKeyTaken
  type Query {
    tenant(key: String!): Tenant
    tenants(first: Int!, after: String, filter: TenantFilter): TenantConnection!
    operation(id: ID!): Operation
  }
  type Mutation {
    signUpTenant(input: SignUpTenantInput!): SignUpTenantResult!
    offboardTenant(input: OffboardTenantInput!): OffboardTenantResult!
  }
  type Subscription {
    "Two beats, then silence for as long as one listens."
    beats: Int!
  }
`;

/**
 * {@link tenantTypeDefs} with mutations that answer something, without a database behind them. `subscriptions.running` follows the subscriptions as they begin and end.
 */
export function createTenantSchema(subscriptions: SubscriptionCount) {
  return createSchema({
    typeDefs: tenantTypeDefs,
    resolvers: {
      Mutation: {
        signUpTenant: (_: unknown, { input }: { input: { key: string; name: string } }) => ({
          __typename: "SignUpTenantPayload",
          tenant: tenantOf(input.key, input.name, "ACTIVE"),
          operation: { id: "operation_1", kind: "SIGN_UP_TENANT", status: "SUCCEEDED", steps: [] },
        }),
        offboardTenant: (_: unknown, { input }: { input: { key: string } }) => ({
          __typename: "OffboardTenantPayload",
          tenant: tenantOf(input.key, "Acme Inc.", "OFFBOARDED"),
          operation: { id: "operation_2", kind: "OFFBOARD_TENANT", status: "SUCCEEDED", steps: [] },
        }),
      },
      Subscription: {
        beats: { subscribe: () => beat(subscriptions), resolve: (count: number) => count },
      },
    },
  });
}

function tenantOf(key: string, name: string, status: "ACTIVE" | "OFFBOARDED") {
  const memoryAccess = { state: "MISSING", missingFor: [key], howTo: "Attaching a key comes later." };
  return { id: "tenant_1", key, name, status, memoryAccess };
}

/** Not a generator: the `return` of one would wait for a third beat, which never comes. */
function beat(subscriptions: SubscriptionCount): AsyncIterableIterator<number> {
  let count = 0;
  let finish: (result: IteratorResult<number>) => void = () => {};
  subscriptions.running += 1;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => {
      count += 1;
      if (count <= 2) return Promise.resolve({ done: false, value: count });
      return new Promise((resolve) => {
        finish = resolve;
      });
    },
    return: () => {
      subscriptions.running -= 1;
      finish({ done: true, value: undefined });
      return Promise.resolve({ done: true, value: undefined });
    },
  };
}

import { FRESH_KEY, type PresetTab } from "./page.ts";

/**
 * The main job, one tab a part, in the order in which a person does it. Given a token each runs as it stands, except that
 * AttachProjectKey wants an API key pasted in, and WatchOperation the id of an operation.
 */
export const presetTabs: readonly PresetTab[] = [
  {
    name: "SignUpTenant",
    query: `# Signs a tenant up; waits 10 seconds at most for ACTIVE.
# Play it again and nothing more happens: the same
# idempotencyKey asks for the same operation.
mutation SignUpTenant {
  signUpTenant(input: {
    key: "acme"
    name: "Acme Inc."
    members: [{ email: "ada@acme.test", role: READER }]
    onUnknownMember: WAIT
    webhooks: [{
      url: "https://acme.test/hook"
      eventTypes: [MEMORY_ADD]
    }]
    idempotencyKey: "${FRESH_KEY}"
    waitMs: 10000
  }) {
    __typename
    ... on SignUpTenantPayload {
      tenant {
        id
        key
        name
        status
        memoryAccess { state missingFor howTo }
      }
      operation {
        id
        status
        steps {
          name status attempts startedAt finishedAt
        }
      }
    }
    ... on Error { message code retryable }
  }
}
`,
  },
  {
    name: "LookAtTenant",
    query: `# One tenant: its state, what of Mem0 is its own, and what
# was done for it.
query LookAtTenant {
  tenant(key: "acme") {
    id
    key
    name
    status
    memoryAccess { state missingFor howTo }
    resources { kind name state upstreamId }
    operations(first: 5) {
      edges { node { id kind status } }
    }
  }
}
`,
  },
  {
    name: "AttachProjectKey",
    query: `# Without an API key of its own project a tenant is mute. Make
# one in Mem0's dashboard; with the emulator, POST its ids to
# /_emulator/keys (see the README).
mutation AttachProjectKey {
  attachProjectKey(input: {
    tenantKey: "acme"
    apiKey: "paste the key here"
    reason: "first key"
  }) {
    __typename
    ... on AttachProjectKeyPayload {
      projectKey { id hint state provedAt }
      tenant { memoryAccess { state missingFor } }
    }
    ... on Error { message code retryable }
  }
}
`,
  },
  {
    name: "AddMemories",
    query: `# Has Mem0 remember what was said; waits 20 seconds at most
# for what came of it.
mutation AddMemories {
  addMemories(input: {
    tenantKey: "acme"
    userId: "alice"
    messages: [
      { role: USER, content: "I moved to Vienna and play the cello." }
    ]
    waitMs: 20000
  }) {
    __typename
    ... on AddMemoriesPayload {
      event { id status results { memoryId memory } }
    }
    ... on MemoryAccessMissing { howTo }
    ... on Error { message code retryable }
  }
}
`,
  },
  {
    name: "SearchMemories",
    query: `# What fits best, best first.
query SearchMemories {
  tenant(key: "acme") {
    searchMemories(
      query: "Who plays an instrument?"
      filter: { userId: { eq: "alice" } }
    ) {
      __typename
      ... on MemorySearch {
        results { score memory { id memory createdAt } }
      }
      ... on MemoryAccessMissing { howTo }
      ... on Error { message code retryable }
    }
  }
}
`,
  },
  {
    name: "ListTenants",
    query: `# The first 20 tenants that are ACTIVE. For the next page add
# after: "<endCursor>" behind first.
query ListTenants {
  tenants(first: 20, filter: { status: ACTIVE }) {
    edges { node { id key name status } }
    pageInfo { hasNextPage endCursor }
  }
}
`,
  },
  {
    name: "WatchOperation",
    query: `# One operation, step by step. SignUpTenant, OffboardTenant
# and LookAtTenant answer the id.
query WatchOperation {
  operation(id: "paste an operation's id here") {
    id
    kind
    status
    steps {
      name status attempts startedAt finishedAt
    }
  }
}
`,
  },
  {
    name: "OffboardTenant",
    query: `# Takes the tenant away: deletes what it has at Mem0, for
# good; waits 10 seconds at most for that.
mutation OffboardTenant {
  offboardTenant(input: {
    key: "acme"
    idempotencyKey: "${FRESH_KEY}"
    waitMs: 10000
  }) {
    __typename
    ... on OffboardTenantPayload {
      tenant { id key status }
      operation {
        id
        status
        steps {
          name status attempts startedAt finishedAt
        }
      }
    }
    ... on Error { message code retryable }
  }
}
`,
  },
];

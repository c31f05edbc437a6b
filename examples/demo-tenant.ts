import { randomUUID } from "node:crypto";
import { type GraphQLClient, gql } from "graphql-request";
import { accepted, type Mutation } from "./answer.ts";
import { makeKey } from "./dashboard.ts";

/** What the examples stand on when nobody gives them a tenant: one of their own, with a key and something remembered. */

interface Place {
  readonly tenant: {
    readonly status: string;
    readonly resources: readonly {
      readonly kind: string;
      readonly name: string;
      readonly upstreamId: string | null;
    }[];
  };
}

const signUpTenant: Mutation<
  "signUpTenant",
  Place,
  { key: string; name: string; idempotencyKey: string; waitMs: number }
> = gql`
  mutation SignUpDemoTenant($input: SignUpTenantInput!) {
    signUpTenant(input: $input) {
      ... on SignUpTenantPayload { tenant { status resources { kind name upstreamId } } }
      ... on Error { code message retryable }
    }
  }
`;

const attachProjectKey: Mutation<
  "attachProjectKey",
  { readonly projectKey: { readonly state: string } },
  { tenantKey: string; apiKey: string; reason: string }
> = gql`
  mutation AttachDemoKey($input: AttachProjectKeyInput!) {
    attachProjectKey(input: $input) {
      ... on AttachProjectKeyPayload { projectKey { state } }
      ... on Error { code message retryable }
    }
  }
`;

const addMemories: Mutation<
  "addMemories",
  { readonly results: readonly { readonly id: string }[] },
  {
    tenantKey: string;
    userId: string;
    messages: readonly { role: "USER"; content: string }[];
    infer: boolean;
  }
> = gql`
  mutation RememberForDemo($input: AddMemoriesInput!) {
    addMemories(input: $input) {
      ... on AddMemoriesPayload { results { id } }
      ... on Error { code message retryable }
    }
  }
`;

/**
 * Signs a tenant up and gives it an API key, made at the emulator (see dashboard.ts). Answers the tenant's own key.
 */
export async function signUpDemoTenant(client: GraphQLClient, emulatorUrl: string): Promise<string> {
  const key = `example-${randomUUID()}`;
  const input = { key, name: "Example Inc.", idempotencyKey: key, waitMs: 30_000 };
  const { tenant } = accepted((await client.request(signUpTenant, { input })).signUpTenant);
  if (tenant.status !== "ACTIVE") throw new Error(`The tenant ${key} is ${tenant.status} after 30 seconds.`);
  const idOf = (kind: string) =>
    tenant.resources.find((resource) => resource.kind === kind && resource.name === "main")?.upstreamId;
  const [orgId, projectId] = [idOf("ORGANIZATION"), idOf("PROJECT")];
  if (!orgId || !projectId) throw new Error(`The tenant ${key} has no place.`);
  const apiKey = await makeKey(emulatorUrl, { org_id: orgId, project_id: projectId });
  const attaching = { tenantKey: key, apiKey, reason: "an example" };
  accepted((await client.request(attachProjectKey, { input: attaching })).attachProjectKey);
  return key;
}

/** Stores these texts as a user's memories, just as they stand; answers their ids in the same order. */
export async function rememberForDemo(
  client: GraphQLClient,
  tenantKey: string,
  { userId, texts }: { readonly userId: string; readonly texts: readonly string[] },
): Promise<readonly string[]> {
  const messages = texts.map((content) => ({ role: "USER" as const, content }));
  const input = { tenantKey, userId, messages, infer: false };
  return accepted((await client.request(addMemories, { input })).addMemories).results.map(({ id }) => id);
}

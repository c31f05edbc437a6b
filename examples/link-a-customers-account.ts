/**
 * A customer who has a Mem0 account brings it along.
 *
 * Written by whoever builds the onboarding. Such a customer pastes an API key into a form instead of getting a place of the
 * platform's. Loci asks Mem0 whose key it is and answers the organization and project, for the customer to say "yes, that one";
 * then the tenant is signed up onto it, which makes nothing in Mem0, and its memories can be reached at once.
 *
 * The key goes from the form into a variable of the mutation and nowhere else: Loci keeps it sealed and never shows it again.
 */
import { type GraphQLClient, gql } from "graphql-request";
import { accepted, type Mutation } from "./answer.ts";
import { asProgram } from "./as-program.ts";
import { makeCustomersKey } from "./dashboard.ts";

/** What the customer is asked to confirm. */
export interface Account {
  readonly id: string;
  readonly userEmail: string;
  readonly keyHint: string;
  readonly organization: { readonly name: string };
  readonly project: { readonly name: string };
}

const linkMem0Account: Mutation<
  "linkMem0Account",
  { readonly account: Account },
  { apiKey: string; label: string; reason: string }
> = gql`
  mutation LinkAccount($input: LinkMem0AccountInput!) {
    linkMem0Account(input: $input) {
      ... on LinkMem0AccountPayload {
        account { id userEmail keyHint organization { name } project { name } }
      }
      ... on Error { code message retryable }
    }
  }
`;

interface SignedUp {
  readonly tenant: {
    readonly key: string;
    readonly status: string;
    readonly memoryAccess: { readonly state: string };
  };
  readonly operation: { readonly id: string; readonly status: string; readonly reason: string | null };
}

const signUpLinkedTenant: Mutation<
  "signUpLinkedTenant",
  SignedUp,
  { key: string; name: string; accountId: string; idempotencyKey: string; waitMs: number }
> = gql`
  mutation SignUpOntoAccount($input: SignUpLinkedTenantInput!) {
    signUpLinkedTenant(input: $input) {
      ... on SignUpLinkedTenantPayload {
        tenant { key status memoryAccess { state } }
        operation { id status reason }
      }
      ... on Error { code message retryable }
    }
  }
`;

/** A customer, and the key that was pasted. */
export interface Customer {
  /** Your own word for the customer, and for this one sign-up, too. */
  readonly key: string;
  readonly name: string;
  readonly apiKey: string;
}

/**
 * Links the account, lets the customer confirm it, and signs the tenant up onto it. A repeat with the same customer and key
 * goes on where the first was cut off.
 * @throws {LociRefused} as when the key is none, or the account is another tenant's already
 * @throws {Error} when the customer says no, or the sign-up does not come to its end
 */
export async function run(
  client: GraphQLClient,
  { key, name, apiKey }: Customer,
  confirm: (account: Account) => Promise<boolean>,
): Promise<{ readonly account: Account; readonly tenant: SignedUp["tenant"] }> {
  const linking = { apiKey, label: name, reason: `onboarding of ${key}` };
  const { account } = accepted((await client.request(linkMem0Account, { input: linking })).linkMem0Account);
  if (!(await confirm(account))) throw new Error("The customer meant another account.");
  const input = { key, name, accountId: account.id, idempotencyKey: key, waitMs: 30_000 };
  const { tenant, operation } = accepted(
    (await client.request(signUpLinkedTenant, { input })).signUpLinkedTenant,
  );
  if (tenant.status === "ACTIVE") return { account, tenant };
  throw new Error(`The tenant is ${tenant.status}: ${operation.reason ?? `see operation ${operation.id}`}`);
}

await asProgram(import.meta.url, async ({ client, emulatorUrl }) => {
  const key = `customer-${process.pid}`;
  const apiKey = process.env["CUSTOMER_API_KEY"] ?? (await makeCustomersKey(emulatorUrl, "Umbrella Ltd."));
  // In a browser this is the page that asks.
  return run(client, { key, name: "Umbrella Ltd.", apiKey }, async () => true);
});

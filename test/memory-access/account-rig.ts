import type { Answer } from "../main-job.ts";
import { errorFields, freshKey, operationFields, tenantFields } from "../main-job.ts";
import type { World } from "../world.ts";

/** What tests of customers' own accounts ask for, and get. */

/** A customer in Mem0: an organization of his own with its one project, and a key of it. */
export interface Customer {
  readonly email: string;
  readonly orgId: string;
  readonly projectId: string;
  readonly name: string;
  readonly apiKey: string;
}

/** Makes a customer who is nobody's yet. */
export async function makeCustomer({ emulator }: World): Promise<Customer> {
  const key = freshKey();
  const [name, email] = [`Customer ${key}`, `${key}@customer.test`];
  const { org_id } = await emulator.putOrganization({ name, owner_email: email });
  const { projects } = await emulator.tables();
  const project = projects.find((row) => row.org_id === org_id);
  if (project === undefined) throw new Error("A new organization has no project.");
  const place = { org_id, project_id: project.project_id, email };
  const apiKey = await emulator.makeKey(place);
  return { email, orgId: org_id, projectId: project.project_id, name, apiKey };
}

/** Makes another key of a customer. */
export function anotherKey(
  { emulator }: World,
  { orgId, projectId, email }: Pick<Customer, "orgId" | "projectId" | "email">,
): Promise<string> {
  return emulator.makeKey({ org_id: orgId, project_id: projectId, email });
}

/** An account as the API shows it. */
export interface AccountView {
  readonly id: string;
  readonly label: string;
  readonly organization: { readonly mem0Id: string; readonly name: string };
  readonly project: { readonly mem0Id: string; readonly name: string };
  readonly userEmail: string;
  readonly keyHint: string;
  readonly state: string;
  readonly provedAt: string | null;
  readonly refutedBecause: string | null;
  readonly unlinkedAt: string | null;
  readonly tenant: { readonly key: string } | null;
}

/** An answer of the mutations about accounts. */
export interface AccountAnswer {
  readonly __typename: string;
  readonly code?: string;
  readonly message?: string;
  readonly retryable?: boolean;
  readonly problems?: readonly { readonly field: string; readonly message: string }[];
  readonly account?: AccountView;
  readonly tenant?: { readonly key: string };
}

/** See `AccountView`. */
export const accountFields = `id label organization { mem0Id name } project { mem0Id name } userEmail keyHint state provedAt
  refutedBecause unlinkedAt tenant { key }`;
const inUse = "... on AccountInUse { tenant { key } }";

/** Links an account over the API. */
export async function link(world: World, input: object): Promise<AccountAnswer> {
  const { linkMem0Account } = await world.send<{ linkMem0Account: AccountAnswer }>(
    `mutation ($input: LinkMem0AccountInput!) { linkMem0Account(input: $input) { __typename
      ... on LinkMem0AccountPayload { account { ${accountFields} } } ${errorFields} } }`,
    { input: { label: "Acme's own", ...input } },
  );
  return linkMem0Account;
}

/** Unlinks an account over the API. */
export async function unlink(world: World, id: string): Promise<AccountAnswer> {
  const { unlinkMem0Account } = await world.send<{ unlinkMem0Account: AccountAnswer }>(
    `mutation ($input: UnlinkMem0AccountInput!) { unlinkMem0Account(input: $input) { __typename
      ... on UnlinkMem0AccountPayload { account { ${accountFields} } } ${inUse} ${errorFields} } }`,
    { input: { id, reason: "for a test" } },
  );
  return unlinkMem0Account;
}

/** Makes a customer and links his account. */
export async function linkedCustomer(world: World): Promise<Customer & { readonly account: AccountView }> {
  const customer = await makeCustomer(world);
  const { account, message } = await link(world, { apiKey: customer.apiKey });
  if (account === undefined) throw new Error(`The account was not linked: ${message}`);
  return { ...customer, account };
}

/** Signs up onto a linked account over the API, waiting as long as allowed. */
export async function signUpLinked(world: World, input: object): Promise<Answer> {
  const { signUpLinkedTenant } = await world.send<{ signUpLinkedTenant: Answer }>(
    `mutation ($input: SignUpLinkedTenantInput!) { signUpLinkedTenant(input: $input) { __typename
      ... on SignUpLinkedTenantPayload { tenant { ${tenantFields} } operation { ${operationFields} } }
      ... on TenantKeyTaken { tenant { ${tenantFields} } } ... on AccountInUse { tenant { ${tenantFields} } }
      ... on IdempotencyKeyReused { operation { ${operationFields} } } ${errorFields} } }`,
    { input: { name: "Acme Inc.", idempotencyKey: freshKey(), waitMs: 20_000, ...input } },
  );
  return signUpLinkedTenant;
}

/** A tenant that is ACTIVE on its customer's own account. */
export async function linkedTenant(world: World) {
  const customer = await linkedCustomer(world);
  const key = freshKey();
  const { tenant, message } = await signUpLinked(world, { key, accountId: customer.account.id });
  if (tenant?.status !== "ACTIVE") throw new Error(`The tenant is not ACTIVE: ${message}`);
  const { id: tenantId } = await world.prisma.tenant.findFirstOrThrow({ where: { key } });
  return { ...customer, key, tenantId };
}

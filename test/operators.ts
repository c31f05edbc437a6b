import { type Answer, errorFields, operationFields, tenantFields, until } from "./main-job.ts";
import type { World } from "./world.ts";

/** What an operator sends, and sees. */

/** The verbs, as the mutations are named. */
export type Verb = "retryOperation" | "skipStep" | "adoptResource" | "abortOperation" | "amendOperation";

/** A verb's answer: its payload, or a refusal. `rules`: what spoke against adopting. */
export type VerbAnswer = Answer & { readonly rules?: readonly string[] };

/** Does something by hand, waiting as long as allowed. */
export async function byHand(world: World, verb: Verb, input: object): Promise<VerbAnswer> {
  const type = `${verb.charAt(0).toUpperCase()}${verb.slice(1)}`;
  const rules = verb === "adoptResource" ? "... on UpstreamNotTrusted { rules: problems }" : "";
  const answer = await world.send<Record<string, VerbAnswer>>(
    `mutation ($input: ${type}Input!) { ${verb}(input: $input) { __typename
      ... on ${type}Payload { tenant { ${tenantFields} } operation { ${operationFields} } } ${rules} ${errorFields} } }`,
    { input: { reason: "On call, and sure of it.", waitMs: 20_000, ...input } },
  );
  const found = answer[verb];
  if (found === undefined) throw new Error(`No answer to ${verb}.`);
  return found;
}

/** What an operator sees of an operation. */
export interface Desk {
  readonly status: string;
  readonly age: number;
  readonly ambiguous: boolean;
  readonly cancelRequestedAt: string | null;
  readonly lastError: { readonly step: string; readonly code: string; readonly message: string } | null;
  readonly whatCanBeDone: readonly {
    readonly verb: Verb;
    readonly why: string;
    readonly step: string | null;
    readonly resourceId: string | null;
  }[];
  readonly auditEvents: readonly {
    readonly actor: string;
    readonly action: string;
    readonly decision: string;
    readonly refusal: string | null;
    readonly reason: string;
    readonly details: readonly { readonly name: string; readonly value: string }[];
  }[];
  readonly steps: readonly {
    readonly name: string;
    readonly status: string;
    readonly evidence: string | null;
  }[];
}

/** Looks at an operation as an operator does. */
export async function desk(world: World, id: string | undefined): Promise<Desk> {
  const { operation } = await world.send<{ operation: Desk | null }>(
    `query ($id: ID!) { operation(id: $id) { status age ambiguous cancelRequestedAt
      lastError { step code message } whatCanBeDone { verb why step resourceId }
      auditEvents { actor action decision refusal reason details { name value } }
      steps { name status evidence } } }`,
    { id },
  );
  if (operation === null) throw new Error(`No operation ${id}.`);
  return operation;
}

/** What can be done about an operation: `skipStep createProject`. */
export async function offers(world: World, id: string | undefined): Promise<string[]> {
  const { whatCanBeDone } = await desk(world, id);
  return whatCanBeDone.map(({ verb, step }) => (step === null ? verb : `${verb} ${step}`));
}

/** The audit of an operation, the oldest first: `skipStep ALLOWED`, `skipStep REFUSED STEP_NOT_SKIPPABLE`. */
export async function auditOf(world: World, id: string | undefined): Promise<string[]> {
  const { auditEvents } = await desk(world, id);
  return auditEvents
    .map(({ action, decision, refusal }) => [action, decision, refusal].filter(Boolean).join(" "))
    .toReversed();
}

/** The details of the newest audit event, by name. */
export async function lastDetails(world: World, id: string | undefined): Promise<Record<string, string>> {
  const [newest] = (await desk(world, id)).auditEvents;
  return Object.fromEntries((newest?.details ?? []).map(({ name, value }) => [name, value]));
}

/** The global id of a resource of the newest tenant of a key. */
export async function resourceId(world: World, key: string, kind: string): Promise<string> {
  const { tenant } = await world.send<{
    tenant: { resources: readonly { id: string; kind: string; name: string }[] };
  }>("query ($key: String!) { tenant(key: $key) { resources { id kind name } } }", { key });
  const found = tenant.resources.find(
    (resource) => resource.kind === kind && resource.name !== "default-project",
  );
  if (found === undefined) throw new Error(`No ${kind} of ${key}.`);
  return found.id;
}

/** Waits until the operation is in this status. */
export async function untilStatus(world: World, id: string | undefined, status: string): Promise<Desk> {
  return until(async () => {
    const seen = await desk(world, id);
    return seen.status === status ? seen : null;
  }, `the operation is ${status}`);
}

import { createHash } from "node:crypto";
import type { Operation, Prisma } from "../generated/prisma/client.ts";
import { orAbsent } from "../mem0/or-absent.ts";
import { getOrganization } from "../mem0/organizations.ts";
import { redirectWebhook, renameMember } from "../tenants/mapping-by-hand.ts";
import type { OperationSituation } from "../tenants/operation-situation.ts";
import { queueNextRun } from "../tenants/operation-store.ts";
import { replaceInput } from "../tenants/operator-writes.ts";
import { type Place, placeSchema, webhookName } from "../tenants/place.ts";
import { InvalidInput, NothingToAmend } from "../tenants/refusals.ts";
import { auditedVerb, auditRefusals, type VerbRequest } from "./audited-verb.ts";
import type { RunStarter } from "./engine.ts";
import { readingUpstream } from "./inspect-upstream.ts";
import { ownResources, whyNotAmend } from "./operator-actions.ts";
import type { Provisioning } from "./provisioning.ts";
import { refuseOwnAccount, signUpInputSchema } from "./sign-up-tenant.ts";

/** What was wrong in the input of a sign-up, and what is right. */
export type Amendment =
  | { readonly of: "email"; readonly from: string; readonly to: string }
  | { readonly of: "webhookUrl"; readonly name: string; readonly url: string };

/** Which operation's input is amended. */
export interface AmendRequest extends VerbRequest {
  readonly operationId: string;
  readonly amendment: Amendment;
}

/**
 * Corrects an e-mail or the URL of a webhook in the input of a sign-up that waits, while nothing was made by it upstream,
 * and queues the next run. Input and mapping change together. The input's hash stays, so that a repeat of the original
 * sign-up call, fault included, still answers this operation. Audited; of a URL, which is a secret, only host and hash.
 * @throws {OperationNotFound}
 * @throws {InvalidInput} when the amended place breaks a rule of sign-ups
 * @throws {NothingToAmend} when there is no such thing, it was made already, or the operation does not wait
 * @throws {UpstreamNotReadable} when it cannot be seen whether the wrong person was added already
 */
export async function amendOperation(
  provisioning: Provisioning,
  engine: RunStarter,
  { operationId, amendment, ...request }: AmendRequest,
): Promise<Operation> {
  const details = auditable(amendment);
  const call = { ...request, verb: "amendOperation", operationId, details } as const;
  if (amendment.of === "email") {
    await auditRefusals(provisioning, call, () => refuseIfMember(provisioning, operationId, amendment.from));
  }
  const operation = await auditedVerb(provisioning, call, async (tx, situation) => {
    refuseUnlessAmendable(situation, amendment);
    const { input } = await tx.operation.findUniqueOrThrow({ where: { id: operationId } });
    const { key, place } = signUpInputSchema.parse(input);
    const amended = amendPlace(place, amendment);
    refuseOwnAccount(
      provisioning.account,
      amended.members.map(({ email }) => email),
    );
    await replaceInput(tx, operationId, JSON.parse(JSON.stringify({ key, place: amended })));
    await amendMapping(tx, situation, amended, amendment);
    await queueNextRun(tx, operationId);
    return {};
  });
  engine.start(operation.id, operation.run);
  return operation;
}

function auditable(amendment: Amendment): Prisma.InputJsonObject {
  if (amendment.of === "email") return { from: amendment.from, to: amendment.to };
  const { name, url } = amendment;
  const host = URL.canParse(url) ? new URL(url).host : "";
  return { webhook: name, host, urlSha256: createHash("sha256").update(url).digest("hex") };
}

/** The resource that an amendment is about. */
function resourceOf(situation: OperationSituation, amendment: Amendment) {
  if (amendment.of === "webhookUrl") {
    return ownResources(situation, "WEBHOOK").find(({ name }) => name === amendment.name);
  }
  return ownResources(situation, "ORGANIZATION_MEMBER").find(({ name }) => isSameEmail(name, amendment.from));
}

function refuseUnlessAmendable(situation: OperationSituation, amendment: Amendment): void {
  const resource = resourceOf(situation, amendment);
  if (resource === undefined) {
    const what = amendment.of === "email" ? `member ${amendment.from}` : `webhook ${amendment.name}`;
    throw new NothingToAmend(situation.id, `The input has no ${what}.`);
  }
  const objection = whyNotAmend(situation, resource);
  if (objection !== null) throw new NothingToAmend(situation.id, objection);
}

function isSameEmail(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** The place as it should have been asked for. @throws {InvalidInput} */
function amendPlace(place: Place, amendment: Amendment): Place {
  const amended =
    amendment.of === "email"
      ? {
          ...place,
          members: place.members.map((member) =>
            isSameEmail(member.email, amendment.from) ? { ...member, email: amendment.to } : member,
          ),
        }
      : {
          ...place,
          webhooks: place.webhooks.map((webhook, index) =>
            (webhook.name ?? webhookName(index)) === amendment.name
              ? { ...webhook, url: amendment.url }
              : webhook,
          ),
        };
  const parsed = placeSchema.safeParse(amended);
  if (parsed.success) return parsed.data;
  throw InvalidInput.of(parsed.error);
}

async function amendMapping(
  tx: Prisma.TransactionClient,
  situation: OperationSituation,
  amended: Place,
  amendment: Amendment,
): Promise<void> {
  const { tenantId } = situation;
  const resource = resourceOf(situation, amendment);
  if (amendment.of === "email") {
    const to = amended.members.find(({ email }) => isSameEmail(email, amendment.to));
    if (to === undefined || resource === undefined)
      throw new Error("The amended member is not in the place.");
    await renameMember(tx, tenantId, { from: resource.name, to });
    return;
  }
  const webhook = amended.webhooks.find(({ url }) => url === amendment.url);
  if (webhook === undefined) throw new Error("The amended webhook is not in the place.");
  await redirectWebhook(tx, tenantId, { ...webhook, name: amendment.name });
}

/**
 * Adding a member leaves no attempt behind, so whether the wrong person is in already is seen upstream alone.
 * @throws {NothingToAmend} {UpstreamNotReadable}
 */
async function refuseIfMember(
  { prisma, mem0 }: Provisioning,
  operationId: string,
  email: string,
): Promise<void> {
  const organization = await prisma.resource.findFirst({
    where: { kind: "ORGANIZATION", upstreamId: { not: null }, operationId, operation: { kind: "SIGN_UP" } },
    select: { upstreamId: true },
  });
  const orgId = organization?.upstreamId ?? null;
  if (orgId === null) return;
  const found = await readingUpstream(() => orAbsent(getOrganization(mem0, orgId)));
  const isIn = found?.members.some((member) => member.email !== null && isSameEmail(member.email, email));
  if (isIn !== true) return;
  throw new NothingToAmend(operationId, `${email} is a member of the organization already.`);
}

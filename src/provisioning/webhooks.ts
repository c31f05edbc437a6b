import { z } from "zod";
import type { Resource } from "../generated/prisma/client.ts";
import { orAbsent } from "../mem0/or-absent.ts";
import { getProject } from "../mem0/projects.ts";
import {
  createWebhook,
  deleteWebhook,
  listWebhooks,
  webhookEventTypes as wireEventTypes,
} from "../mem0/webhooks.ts";
import { readResource, recordGone } from "../tenants/mapping.ts";
import { askDns } from "../urls/ask-dns.ts";
import { judgeUrl, leadsHere, type UrlPolicy } from "../urls/judge-url.ts";
import { resolvePublic } from "../urls/resolve-public.ts";
import { StepRefused } from "./failures.ts";
import type { Home } from "./home.ts";
import { inParallel } from "./in-parallel.ts";
import { type Making, makeOnce, whatWasMade } from "./make-once.ts";
import { organizationOf } from "./organization.ts";
import { projectOf } from "./project.ts";
import type { Provisioning } from "./provisioning.ts";
import { type Removal, removeAndProve } from "./remove-and-prove.ts";
import type { SagaContext } from "./saga.ts";
import { isOwnerOf } from "./trust.ts";

type Context = SagaContext<unknown>;

/** A webhook as the mapping wishes it: our words for event types are Mem0's in capitals. */
const desiredSchema = z.object({
  name: z.string(),
  url: z.string(),
  eventTypes: z.array(z.string().toLowerCase().pipe(z.enum(wireEventTypes))),
});

/** The webhook that the mapping wishes for. */
export function desiredWebhook(resource: Resource): z.infer<typeof desiredSchema> {
  return desiredSchema.parse(resource.desired);
}

/** What the URLs of webhooks may be: a Mem0 on this machine, as an emulator is, may be told to call this machine. */
export function webhookUrlPolicy({ mem0 }: Pick<Provisioning, "mem0">): UrlPolicy {
  return { allowsLoopback: leadsHere(new URL(mem0.origin)) };
}

/**
 * Why Mem0 may not be told this URL now, as a sentence that holds nothing of it; null: it may. For the moment before it
 * is told: a name may have been given another address since the URL came in. A name that cannot be resolved passes, for
 * it is Mem0 that resolves it in the end, and Loci may stand where no name server answers.
 */
export async function whyNotTellUrl(
  provisioning: Pick<Provisioning, "mem0">,
  url: string,
): Promise<string | null> {
  const verdict = judgeUrl(url, webhookUrlPolicy(provisioning));
  if (!verdict.isAllowed) return verdict.why;
  if (verdict.name === null) return null;
  const { is } = await resolvePublic(verdict.name, askDns);
  return is === "hidden" ? "Must not have a host that resolves to an address that is not public." : null;
}

/**
 * Stands before every call that tells Mem0 the URL that the mapping wishes for.
 * @throws {StepRefused} when it may not be told
 */
export async function refuseUrl({ provisioning }: Context, webhook: Resource): Promise<void> {
  const why = await whyNotTellUrl(provisioning, desiredWebhook(webhook).url);
  if (why !== null) throw new StepRefused(`The URL of the webhook ${webhook.name} is refused: ${why}`);
}

/**
 * Makes all webhooks of the tenant in this project, side by side, each once. Where it is one, that it was made and that
 * the step is done, with the answer `{}`, are one record.
 * @throws {StepRefused} when the URL of one may not be told to Mem0, and as `makeOnce`
 */
export async function makeWebhooks(context: Context, home: Home): Promise<void> {
  const webhooks = context.resources("WEBHOOK");
  await inParallel(webhooks, async (webhook) => {
    if (webhook.upstreamId === null) await refuseUrl(context, webhook);
    const making = webhookMaking(context, webhook, home);
    return makeOnce(context, webhooks.length === 1 ? { ...making, answer: () => ({}) } : making);
  });
}

/**
 * Makes one webhook, once. Answers Mem0's id of it.
 * @throws {StepRefused} when its URL may not be told to Mem0, and as `makeOnce`
 */
export async function makeWebhook(context: Context, webhook: Resource, home: Home): Promise<string> {
  if (webhook.upstreamId === null) await refuseUrl(context, webhook);
  return makeOnce(context, webhookMaking(context, webhook, home));
}

/**
 * Removes all webhooks of the tenant, one after the other, and proves it by their project's list, read as OWNER and
 * while the project is still there. A repeat does nothing.
 * @throws as `whatWasMade` and `removeAndProve`
 */
export async function removeWebhooks(context: Context): Promise<void> {
  const { prisma } = context.provisioning;
  const { upstreamId: orgId } = await readResource(prisma, organizationOf(context).id);
  const { upstreamId: projectId } = await readResource(prisma, projectOf(context).id);
  const home = orgId === null || projectId === null ? null : { orgId, projectId };
  for (const { id } of context.resources("WEBHOOK")) await removeWebhook(context, id, home);
}

/**
 * Removes one webhook, if it was made, and proves it as `removeWebhooks` does. `home`: null where there never was one. A
 * repeat does nothing.
 * @throws as `whatWasMade` and `removeAndProve`
 */
export async function removeWebhook(context: Context, id: string, home: Home | null): Promise<void> {
  const { provisioning } = context;
  const { prisma } = provisioning;
  const webhook = await readResource(prisma, id);
  if (webhook.state === "GONE") return;
  const made = async (at: Home) =>
    webhook.upstreamId ?? (await whatWasMade(context, webhookMaking(context, webhook, at)));
  const webhookId = home === null ? null : await made(home);
  if (home === null || webhookId === null) {
    await recordGone(prisma, { resourceId: id, attemptId: null, goneBy: "NEVER_MADE" });
    return;
  }
  const removal = webhookRemoval(provisioning, home.orgId, home.projectId, webhookId);
  await removeAndProve(context, id, removal, "resource");
}

/**
 * Webhooks carry no marker: they are told apart by project and URL, which Mem0 keeps unique (live observation, the
 * client's integration tests). So a twin cannot be, and what has our URL in our project is ours.
 */
function webhookMaking(context: Context, webhook: Resource, { orgId, projectId }: Home): Making {
  const { mem0 } = context.provisioning;
  const desired = desiredWebhook(webhook);
  return {
    resourceId: webhook.id,
    what: `webhook ${webhook.name}`,
    list: null,
    create: async () => (await createWebhook(mem0, projectId, desired)).webhookId,
    look: async () =>
      (await listWebhooks(mem0, projectId))
        .filter(({ url }) => url === desired.url)
        .map(({ webhookId, createdAt }) => ({
          upstreamId: webhookId,
          createdAt: createdAt ?? new Date(0),
          distrust: null,
          whyKeep: async () => null,
          removal: webhookRemoval(context.provisioning, orgId, projectId, webhookId),
        })),
  };
}

function webhookRemoval(
  { mem0 }: Provisioning,
  orgId: string,
  projectId: string,
  webhookId: string,
): Removal {
  return {
    what: `webhook ${webhookId}`,
    upstreamId: webhookId,
    isAbsenceSeen: true,
    observe: async () => {
      const project = await orAbsent(getProject(mem0, orgId, projectId));
      if (project === null) return "absent";
      return isOwnerOf(project) ? "owner" : "not-owner";
    },
    remove: () => deleteWebhook(mem0, webhookId),
    isGone: async () =>
      !(await listWebhooks(mem0, projectId)).some((webhook) => webhook.webhookId === webhookId),
  };
}

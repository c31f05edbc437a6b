import { deletedOrganization } from "./beliefs-places.ts";
import type { Check } from "./check.ts";
import { field, type Reply, rows, text } from "./client.ts";
import { Ledger } from "./ledger.ts";
import { allOf, confirmed, judged, refuted, unchecked, type Verdict } from "./verdict.ts";
import { isId, organizations, type World, webhooksOf, webhookUrl } from "./world.ts";

/** Beliefs 23 to 30 and 32 to 35: settings, webhooks, deleting, the protocol. */
export const webhookBeliefs: readonly Check[] = [
  { name: "23", look: settingsReadBack },
  { name: "24", look: urlIsUnique },
  { name: "25", look: urlComesBack },
  { name: "26", look: listedAtOnce },
  { name: "27", look: organizationTakesProjects },
  { name: "28", look: projectTakesWebhooks },
  { name: "29", look: goneInTime },
  { name: "30", isLast: true, look: ownerIsNotFooled },
  { name: "33", look: slashNeeded },
  { name: "34", isLast: true, look: idsAreOpaque },
  { name: "35", look: notRenamed },
];

async function settingsReadBack(world: World): Promise<Verdict> {
  const { path } = await world.project();
  const given = {
    custom_instructions: "Loci contract check: keep what is said of music.",
    custom_categories: [{ music: "Instruments and concerts" }, { travel: "Journeys" }],
    multilingual: true,
  };
  const patched = await world.first.call("PATCH", path, given);
  if (patched.status >= 300) return refuted(world.first.excerpt(patched));
  const { body } = await world.readOwn(path);
  return allOf(
    Object.entries(given).map(([name, value]) =>
      judged(
        JSON.stringify(field(body, name)) === JSON.stringify(value),
        `${name} reads ${JSON.stringify(field(body, name))}`,
      ),
    ),
  );
}

async function urlIsUnique(world: World): Promise<Verdict> {
  const { id } = await world.project();
  const { tag } = await world.makeWebhook(id);
  const second = await world.tryWebhook(id, () => ({ url: webhookUrl(tag) }), Ledger.twin(tag));
  const seen = world.first.excerpt(second.reply);
  return judged(second.reply.status >= 400 && second.reply.status < 500, `the second: ${seen}`);
}

async function urlComesBack(world: World): Promise<Verdict> {
  const { id } = await world.project();
  let url = "";
  const made = await world.tryWebhook(id, (tag) => {
    url = `https://Example.com:8443/Loci/${tag}?Case=Kept&x=%C3%84`;
    return { url };
  });
  if (made.id === null) return refuted(world.first.excerpt(made.reply));
  const { value } = await world.until(3 * world.timings.settleMs, () => listedWebhook(world, id, made.id));
  if (value === null) return unchecked("the list does not show it (see 26)");
  return judged(text(value, "url") === url, `${url} came back as ${text(value, "url")}`);
}

/** @returns null while the list does not show it. */
async function listedWebhook(world: World, projectId: string, id: string | null): Promise<unknown> {
  const listed = rows((await world.first.need([200], "GET", webhooksOf(projectId))).body);
  return listed.find((row) => String(field(row, "webhook_id")) === id) ?? null;
}

async function listedAtOnce(world: World): Promise<Verdict> {
  const { id } = await world.project();
  const made = await world.makeWebhook(id);
  const { value, tookMs } = await world.until(3 * world.timings.settleMs, () =>
    listedWebhook(world, id, made.id),
  );
  if (value === null) return refuted("the list never showed it");
  return judged(tookMs <= world.timings.settleMs, `the list showed it after ${tookMs} ms`);
}

async function organizationTakesProjects(world: World): Promise<Verdict> {
  const { deletion, projectId } = await deletedOrganization(world);
  if (deletion.status >= 300) return refuted(world.first.excerpt(deletion));
  // Below the organization's path a project could be hidden and there; its webhooks have a path without it.
  const { value } = await world.until(3 * world.timings.goneMs, async () => {
    const { status } = await world.first.call("GET", webhooksOf(projectId));
    return [403, 404].includes(status) ? status : null;
  });
  if (value === null) return refuted("the project's webhooks can still be listed");
  return confirmed(`the project's webhooks: ${value}`);
}

async function projectTakesWebhooks(world: World): Promise<Verdict> {
  const { id: organizationId } = await world.organization();
  const project = await world.makeProject(organizationId);
  const webhook = await world.makeWebhook(project.id);
  const deletion = await world.deleteOwn(
    `${organizations}${organizationId}/projects/${project.id}/`,
    project.id,
  );
  if (deletion.status >= 300) return unchecked(`in the way: ${world.first.excerpt(deletion)}`);
  const { status } = await world.deleteOwn(`/api/v1/webhooks/${webhook.id}/`, webhook.id);
  return judged(status === 404, `then DELETE of the webhook: ${status}`);
}

async function goneInTime(world: World): Promise<Verdict> {
  const { path, deletion } = await deletedOrganization(world);
  const parts = [deletion.status < 300 ? await gone(world, "organization", path) : unchecked("see 27")];
  const { id: organizationId } = await world.organization();
  const project = await world.makeProject(organizationId);
  const projectPath = `${organizations}${organizationId}/projects/${project.id}/`;
  const projectDeletion = await world.deleteOwn(projectPath, project.id);
  if (projectDeletion.status >= 300)
    parts.push(unchecked(`in the way: ${world.first.excerpt(projectDeletion)}`));
  else parts.push(await gone(world, "project", projectPath));
  return allOf(parts);
}

async function gone(world: World, what: string, path: string): Promise<Verdict> {
  const { value, tookMs } = await world.until(world.timings.goneMs, async () => {
    const reply = await world.first.call("GET", path);
    return reply.status === 404 ? reply : null;
  });
  if (value === null) return refuted(`the ${what} is not answered 404 after ${tookMs} ms`);
  return confirmed(`the ${what}: 404 after ${tookMs} ms`);
}

async function ownerIsNotFooled(world: World): Promise<Verdict> {
  if (world.hidden.length > 0) return refuted(`our own, and there: ${world.hidden[0]}`);
  return unchecked("held throughout this run; that it always does is for Mem0 to say");
}

async function slashNeeded(world: World): Promise<Verdict> {
  const parts: Verdict[] = [];
  for (const path of ["/v1/ping", "/api/v1/orgs/organizations"]) {
    const { status } = await world.first.call("GET", path);
    parts.push(judged(status >= 300, `GET ${path}: ${status}`));
  }
  return allOf(parts);
}

async function idsAreOpaque(world: World): Promise<Verdict> {
  const project = await world.project();
  const organization = await world.organization();
  const webhook = await world.makeWebhook(project.id);
  const ids: readonly (readonly [string, Reply])[] = [
    ["org_id", organization.reply],
    ["project_id", project.reply],
    ["webhook_id", webhook.reply],
  ];
  const forms = ids.map(([name, { body }]) => {
    const id = field(body, name);
    const form = typeof id === "string" ? `text of ${id.length}` : JSON.stringify(typeof id);
    return judged(isId(id), `${name}: ${form}`);
  });
  return allOf(forms);
}

async function notRenamed(world: World): Promise<Verdict> {
  const { id, tag } = await world.organization();
  const path = `${organizations}${id}/`;
  const patch = await world.first.call("PATCH", path, { name: `${tag} renamed` });
  const put = await world.first.call("PUT", path, { name: `${tag} renamed` });
  const name = text((await world.readOwn(path)).body, "name");
  return judged(
    name === tag,
    `PATCH ${patch.status}, PUT ${put.status}, the name ${name === tag ? "stayed" : "changed"}`,
  );
}

import type { Check } from "./check.ts";
import { field, type Reply, rows, text } from "./client.ts";
import { Ledger } from "./ledger.ts";
import { allOf, confirmed, judged, refuted, unchecked, type Verdict } from "./verdict.ts";
import { idsIn, type Made, organizations, type World, webhooksOf } from "./world.ts";

/** How many things are in no page any more that anybody would make. */
const more = 101;

/** Beliefs 1, 2 and 4 to 17: what the key may see, and creating. */
export const placeBeliefs: readonly Check[] = [
  { name: "1", look: actsForAccount },
  { name: "2", look: creatorIsOwner },
  { name: "4", look: emailSpelling },
  { name: "5", look: listShowsAll },
  { name: "6", isLast: true, look: listGoesOnShowing },
  { name: "7", look: listsAreWhole },
  { name: "8", look: showsWithinSettleDelay },
  { name: "9", look: datesAreServers },
  { name: "10", look: equalNames },
  { name: "11", look: longNames },
  { name: "12", look: namesComeBack },
  { name: "13", look: descriptionKept },
  { name: "14", look: defaultProjectComes },
  { name: "15", isLast: true, look: refusedMeansNotDone },
  {
    name: "16",
    look: async () => unchecked("how long a request that was cut off may still land is for Mem0 to say"),
  },
  { name: "17", look: manyOrganizations },
];

/** An organization that was deleted with a project inside. Beliefs 27 and 29 look at it. */
export interface Deleted {
  readonly deletion: Reply;
  readonly path: string;
  readonly projectId: string;
}

/** @throws {Barred} when it cannot be made. */
export function deletedOrganization(world: World): Promise<Deleted> {
  return world.once("deleted organization", async () => {
    const made = await world.makeOrganization();
    const path = `${organizations}${made.id}/`;
    const project = await world.makeProject(made.id);
    return { deletion: await world.deleteOwn(path, made.id), path, projectId: project.id };
  });
}

async function actsForAccount(world: World): Promise<Verdict> {
  const { read, deletion } = await world.trial();
  const areDone = read.status === 200 && deletion.status < 300;
  return judged(areDone, `POST made it, GET ${read.status}, DELETE ${deletion.status}`);
}

function sharedObject(world: World): Promise<Reply> {
  return world.once("organization's object", async () =>
    world.readOwn(`${organizations}${(await world.organization()).id}/`),
  );
}

function projectObject(world: World): Promise<Reply> {
  return world.once("project's object", async () => world.readOwn((await world.project()).path));
}

async function creatorIsOwner(world: World): Promise<Verdict> {
  const { read } = await world.trial();
  if (read.status !== 200) return unchecked(`in the way: ${world.first.excerpt(read)}`);
  const organization = ownership("organization", read);
  if (organization.state === "REFUTED") return organization;
  return allOf([organization, ownership("project", await projectObject(world))]);
}

function ownership(what: string, { body }: Reply): Verdict {
  const isOwner = text(body, "user_role") === "OWNER" || field(body, "is_owner") === true;
  const members = field(body, "members");
  const count = Array.isArray(members) ? members.length : null;
  const role = JSON.stringify(field(body, "user_role")) ?? "absent";
  return judged(isOwner && (count ?? 1) === 1, `${what}: user_role ${role}, members ${count ?? "absent"}`);
}

async function emailSpelling(world: World): Promise<Verdict> {
  const { user_email: email } = await world.me();
  const members = field((await sharedObject(world)).body, "members");
  const emails = Array.isArray(members) ? members.map((member) => text(member, "email")) : [];
  if (emails.includes(email)) return confirmed("letter by letter");
  if (emails.some((other) => other.toLowerCase() === email.toLowerCase())) return confirmed("but for case");
  return refuted(`${emails.length} members are embedded, and none has ping's e-mail`);
}

/** When a list shows it at last, and how late; null when it does not within three settle delays. */
async function listedAfter(world: World, path: string, idName: string, made: Made): Promise<number | null> {
  const { value, tookMs } = await world.until(3 * world.timings.settleMs, async () => {
    const reply = await world.first.need([200], "GET", path);
    return idsIn(reply, idName).includes(made.id) ? reply : null;
  });
  return value === null ? null : tookMs;
}

function organizationListed(world: World): Promise<number | null> {
  return world.once("organization listed", async () => {
    const made = await world.organization();
    const tookMs = await listedAfter(world, organizations, "org_id", made);
    if (tookMs !== null) world.listed.add(made.id);
    return tookMs;
  });
}

async function listShowsAll(world: World): Promise<Verdict> {
  const tookMs = await organizationListed(world);
  if (tookMs !== null) return confirmed("the key's list shows an organization that the key is not of");
  return refuted("a new organization, which the key is not of, does not show in the list");
}

async function listGoesOnShowing(world: World): Promise<Verdict> {
  if (world.listed.size === 0) return unchecked("no list showed anything that could be missed later");
  const ids = idsIn(await world.first.need([200], "GET", organizations), "org_id");
  const missed = [...world.listed].filter((id) => !ids.includes(id)).length;
  if (missed > 0) return refuted(`${missed} that the list had shown are there and not in it any more`);
  return unchecked("held throughout this run; that it always will is for Mem0 to say");
}

async function listsAreWhole(world: World): Promise<Verdict> {
  const { id } = await world.organization();
  const project = await world.project();
  const paths = [organizations, `${organizations}${id}/projects/`, webhooksOf(project.id)];
  const shapes: Verdict[] = [];
  for (const path of paths) {
    const { body } = await world.first.need([200], "GET", path);
    if (!Array.isArray(body)) shapes.push(refuted(`the list ${path} is no array`));
  }
  if (shapes.length > 0) return allOf(shapes);
  if (!world.isLong)
    return unchecked(`bare arrays; whether long ones are whole takes ${more} creates: --long`);
  return allOf([await manyAreListed(world), await manyWebhooksAreListed(world)]);
}

/** Makes more organizations than any page has; stops at the first refusal. */
function manyMade(
  world: World,
): Promise<{ readonly ids: readonly string[]; readonly refusal: string | null }> {
  return world.once("many organizations", async () => {
    const ids: string[] = [];
    while (ids.length < more) {
      const { id, reply } = await world.tryOrganization();
      if (id === null) return { ids, refusal: world.first.excerpt(reply) };
      ids.push(id);
    }
    return { ids, refusal: null };
  });
}

async function manyAreListed(world: World): Promise<Verdict> {
  const { ids, refusal } = await manyMade(world);
  if (refusal !== null) return unchecked(`only ${ids.length} organizations could be made: ${refusal}`);
  const { value } = await world.until(3 * world.timings.settleMs, async () => {
    const listed = new Set(idsIn(await world.first.need([200], "GET", organizations), "org_id"));
    return ids.every((id) => listed.has(id)) ? listed.size : null;
  });
  if (value === null) return refuted(`of ${ids.length} new organizations the list does not show all`);
  return confirmed(`a list of ${value} organizations had all`);
}

async function manyWebhooksAreListed(world: World): Promise<Verdict> {
  const { id: organizationId } = await world.organization();
  const { id } = await world.makeProject(organizationId);
  for (let count = 0; count < more; count += 1) await world.makeWebhook(id);
  const listed = rows((await world.first.need([200], "GET", webhooksOf(id))).body).length;
  return judged(listed === more, `of ${more} webhooks the list shows ${listed}`);
}

async function showsWithinSettleDelay(world: World): Promise<Verdict> {
  const organizationMs = await organizationListed(world);
  const project = await world.project();
  const projects = `${organizations}${(await world.organization()).id}/projects/`;
  const projectMs = await listedAfter(world, projects, "project_id", project);
  const parts = { organization: organizationMs, project: projectMs };
  return allOf(
    Object.entries(parts).map(([what, tookMs]) =>
      tookMs === null
        ? unchecked(`the ${what} did not show at all (see 5)`)
        : judged(tookMs <= world.timings.settleMs, `the ${what} showed after ${tookMs} ms`),
    ),
  );
}

async function datesAreServers(world: World): Promise<Verdict> {
  const organization = await world.organization();
  const project = await world.project();
  const webhook = await world.once("webhook", () => world.makeWebhook(project.id));
  const objects = [
    { made: organization.reply, body: (await sharedObject(world)).body },
    { made: project.reply, body: (await projectObject(world)).body },
    { made: webhook.reply, body: webhook.reply.body },
  ];
  const parts = objects.map(({ made, body }) => {
    const atMs = Date.parse(made.headers.get("date") ?? "");
    const createdMs = Date.parse(text(body, "created_at"));
    if (Number.isNaN(atMs)) return unchecked(`${made.path}: the answer has no Date`);
    // The header has whole seconds.
    const offMs = Math.round(createdMs - atMs);
    return judged(Math.abs(offMs) <= world.timings.clockMs + 1000, `${made.path}: ${offMs} ms off Date`);
  });
  return allOf(parts);
}

async function equalNames(world: World): Promise<Verdict> {
  const { id, tag } = await world.organization();
  const second = await world.tryOrganization(() => tag, Ledger.twin(tag));
  const project = await world.project();
  const twin = Ledger.twin(project.tag);
  const projects = await world.tryProject(id, () => ({ name: project.tag }), twin);
  const likeDefault = await world.tryProject(id, (own) => ({ name: "default-project", description: own }));
  const tries = { organization: second, project: projects, "default-project": likeDefault };
  return allOf(
    Object.entries(tries).map(([what, { id: made, reply }]) =>
      made === null ? refusal(world, reply) : confirmed(`a second ${what} was made`),
    ),
  );
}

/** A refusal of what was sent refutes; one of whoever sent it, or of one more, tells nothing of what was sent. */
function refusal(world: World, reply: Reply): Verdict {
  const seen = world.first.excerpt(reply);
  return [400, 409, 413, 422].includes(reply.status) ? refuted(seen) : unchecked(`in the way: ${seen}`);
}

function padded(tag: string, length: number): string {
  return `${tag} ${"x".repeat(length)}`.slice(0, length);
}

async function longNames(world: World): Promise<Verdict> {
  const { id } = await world.organization();
  const longest = {
    organization: await world.tryOrganization((tag) => padded(tag, 255)),
    project: await world.tryProject(id, (tag) => ({ name: padded(tag, 255) })),
  };
  const longer = await world.tryOrganization((tag) => padded(tag, 256));
  const rest = `256 characters: ${longer.reply.status}`;
  return allOf(
    Object.entries(longest).map(([what, { id: made, reply }]) =>
      made === null
        ? refusal(world, reply)
        : confirmed(`${what} of 255 characters: ${reply.status}; ${rest}`),
    ),
  );
}

async function namesComeBack(world: World): Promise<Verdict> {
  let name = "";
  const given = (tag: string): string => {
    name = `${tag} Ärzte 🦊 ·ABCDEFGHIJKLMNOP`;
    return name;
  };
  const organization = await world.tryOrganization(given);
  if (organization.id === null) return refusal(world, organization.reply);
  const path = `${organizations}${organization.id}/`;
  const back = text((await world.readOwn(path)).body, "name");
  const first = judged(
    back === name,
    `organization ${JSON.stringify(name)} came back as ${JSON.stringify(back)}`,
  );
  const project = await world.tryProject(organization.id, (tag) => ({ name: given(tag) }));
  if (project.id === null) return refusal(world, project.reply);
  const own = text((await world.readOwn(`${path}projects/${project.id}/`)).body, "name");
  return allOf([
    first,
    judged(own === name, `project ${JSON.stringify(name)} came back as ${JSON.stringify(own)}`),
  ]);
}

async function descriptionKept(world: World): Promise<Verdict> {
  const { id } = await world.organization();
  const description = "Loci contract check ·ABCDEFGHIJKLMNOP";
  const project = await world.tryProject(id, (tag) => ({ name: tag, description }));
  if (project.id === null) return refusal(world, project.reply);
  const { body } = await world.readOwn(`${organizations}${id}/projects/${project.id}/`);
  return judged(
    field(body, "description") === description,
    `reads ${JSON.stringify(field(body, "description"))}`,
  );
}

async function defaultProjectComes(world: World): Promise<Verdict> {
  // Not the shared one: another check makes a project of this name there.
  const { id } = await world.makeOrganization();
  const { value } = await world.until(world.timings.settleMs, async () => {
    const { body } = await world.first.need([200], "GET", `${organizations}${id}/projects/`);
    const found = rows(body).find(
      (row) => field(row, "is_default") === true || text(row, "name") === "default-project",
    );
    return found ?? null;
  });
  if (value === null) return refuted("a new organization has no such project");
  return confirmed(
    `name ${JSON.stringify(text(value, "name"))}, is_default ${field(value, "is_default") === true}`,
  );
}

async function refusedMeansNotDone(world: World): Promise<Verdict> {
  const { id } = await world.organization();
  await world.tryOrganization((tag) => padded(tag, 5000));
  await world.tryProject(id, (tag) => ({ name: "", description: tag }));
  const refused = world.refusedCreates;
  const done: string[] = [];
  for (const path of new Set(refused.map((create) => create.path))) {
    const { status, body } = await world.first.call("GET", path);
    if (status !== 200) continue;
    const listed = rows(body).map((row) => JSON.stringify(row).toLowerCase());
    for (const { tag, seen } of refused.filter((each) => each.path === path)) {
      const [mark = tag, twin] = tag.split("#");
      const others = twin === undefined ? 0 : 1;
      if (listed.filter((row) => row.includes(mark)).length > others) done.push(seen);
    }
  }
  if (done.length > 0) return refuted(`refused and yet in the list: ${done.join("; ")}`);
  return unchecked(
    `none of ${refused.length} refused creates left anything; that none ever does is for Mem0 to say`,
  );
}

async function manyOrganizations(world: World): Promise<Verdict> {
  if (!world.isLong) return unchecked(`takes ${more} creates: --long`);
  const { ids, refusal } = await manyMade(world);
  return judged(refusal === null, refusal ?? `${ids.length} were made one after the other`);
}

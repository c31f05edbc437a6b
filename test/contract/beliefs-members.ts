import type { Check } from "./check.ts";
import { type Caller, field, text } from "./client.ts";
import { allOf, confirmed, judged, refuted, unchecked, type Verdict } from "./verdict.ts";
import { identify, idsIn, organizations, type World } from "./world.ts";

const needsSecond = unchecked("needs the key of another person: --second-key");

/** Beliefs 3, 18 to 22 and 31: who is in, and who is not. */
export const memberBeliefs: readonly Check[] = [
  { name: "31", look: (world) => withSecond(world, strangerSeesNothing) },
  { name: "18", look: unknownEmail },
  { name: "22", look: (world) => withSecond(world, readerSeesNotAll) },
  { name: "19", look: (world) => withSecond(world, addedTwice) },
  { name: "21", look: (world) => withSecond(world, organizationIsEnough) },
  { name: "20", look: membersAreAll },
  { name: "3", look: (world) => withSecond(world, ownerDeletesProject) },
];

type Two = (world: World, second: Caller, email: string) => Promise<Verdict>;

async function withSecond(world: World, look: Two): Promise<Verdict> {
  if (world.second === null) return needsSecond;
  const second = world.second;
  const { user_email: email } = await world.once("second", () => identify(second));
  return look(world, second, email);
}

/** The organization that the second account is made a member of; its project and it as a stranger sees them. */
function joined(world: World): Promise<{ readonly path: string; readonly project: string }> {
  return world.once("joined organization", async () => {
    const organization = await world.makeOrganization();
    const project = await world.makeProject(organization.id);
    const path = `${organizations}${organization.id}/`;
    return { path, project: `${path}projects/${project.id}/` };
  });
}

async function strangerSeesNothing(world: World, second: Caller): Promise<Verdict> {
  const { path, project } = await joined(world);
  const statuses: Verdict[] = [];
  for (const each of [path, project]) {
    const reply = await second.call("GET", each);
    statuses.push(
      judged(
        [403, 404].includes(reply.status),
        `${each === path ? "organization" : "project"}: ${reply.status}`,
      ),
    );
  }
  return allOf(statuses);
}

async function unknownEmail(world: World): Promise<Verdict> {
  const { id, tag } = await world.organization();
  const body = { email: `${tag}@example.com`, role: "READER" };
  const reply = await world.first.call("POST", `${organizations}${id}/members/`, body);
  const seen = world.first.excerpt(reply);
  if (reply.status === 201 || reply.status === 200) return confirmed(`an invitation: ${seen}`);
  if (reply.status === 403) return unchecked(`in the way: ${seen}`);
  if (reply.status === 404) {
    const words = JSON.stringify(reply.body);
    if (/user|member|e-?mail/i.test(words)) return confirmed(seen);
    return /organization/i.test(words) ? unchecked(`in the way: ${seen}`) : refuted(seen);
  }
  if (reply.status !== 400) return refuted(seen);
  const wordsAlone = ["message", "detail", "error"].some((name) => text(reply.body, name) !== "");
  const errors = field(reply.body, "errors") ?? reply.body;
  const fields = typeof errors === "object" && errors !== null ? Object.keys(errors) : [];
  const isOfEmail = fields.length > 0 && fields.every((name) => ["email", "non_field_errors"].includes(name));
  return judged(wordsAlone || isOfEmail, seen);
}

/** Makes the second account a READER of the organization, once. @throws {Barred} */
async function joinAsReader(world: World, email: string): Promise<string> {
  const { path } = await joined(world);
  await world.once("joined", () =>
    world.first.need([200, 201], "POST", `${path}members/`, { email, role: "READER" }),
  );
  return path;
}

async function readerSeesNotAll(world: World, second: Caller, email: string): Promise<Verdict> {
  const path = await joinAsReader(world, email);
  const { project } = await joined(world);
  const list = await second.call("GET", `${path}projects/`);
  const read = await second.call("GET", project);
  const isListed = idsIn(list, "project_id").some((id) => project.endsWith(`/${id}/`));
  const seen = `the list (${list.status}) ${isListed ? "shows" : "does not show"} it, GET ${read.status}`;
  return judged(!isListed && read.status !== 200, seen);
}

/** What an organization says of its members, in an order of its own. */
async function membersOf(world: World, path: string): Promise<readonly { email: string; role: string }[]> {
  const members = field((await world.readOwn(path)).body, "members");
  const list = Array.isArray(members) ? members : [];
  return list
    .map((member) => ({ email: text(member, "email").toLowerCase(), role: text(member, "role") }))
    .toSorted((left, right) => (left.email < right.email ? -1 : 1));
}

async function addedTwice(world: World, _second: Caller, email: string): Promise<Verdict> {
  const path = await joinAsReader(world, email);
  const before = await membersOf(world, path);
  const again = await world.first.call("POST", `${path}members/`, { email, role: "READER" });
  const after = await membersOf(world, path);
  const isSame = JSON.stringify(before) === JSON.stringify(after);
  const isRefused = again.status >= 400 && again.status < 500;
  const seen = `${again.status}, members ${isSame ? "as before" : "changed"}`;
  return judged(isSame && (isRefused || again.status < 300), seen);
}

async function organizationIsEnough(world: World, _second: Caller, email: string): Promise<Verdict> {
  await joinAsReader(world, email);
  const { project } = await joined(world);
  const reply = await world.once("joined project", () =>
    world.first.call("POST", `${project}members/`, { email, role: "READER" }),
  );
  if (reply.status >= 300)
    return refuted(`being in the organization is not enough: ${world.first.excerpt(reply)}`);
  return confirmed("enough; whether it is needed does not matter");
}

async function membersAreAll(world: World): Promise<Verdict> {
  const { user_email: mine } = await world.me();
  if (world.second === null) {
    const { id } = await world.organization();
    const emails = (await membersOf(world, `${organizations}${id}/`)).map(({ email }) => email);
    if (emails.length === 1 && emails[0] === mine.toLowerCase()) return needsSecond;
    return refuted(`${emails.length} members are embedded where only the creator is one`);
  }
  return withSecond(world, async (_world, second, email) => {
    await organizationIsEnough(world, second, email);
    const { path, project } = await joined(world);
    const wanted = [mine, email].map((each) => each.toLowerCase()).toSorted();
    const parts: Verdict[] = [];
    for (const each of [path, project]) {
      const found = (await membersOf(world, each)).map((member) => member.email);
      const known = found.filter((one) => wanted.includes(one)).length;
      const what = each === path ? "organization" : "project";
      parts.push(
        judged(
          JSON.stringify(found) === JSON.stringify(wanted),
          `${what}: ${found.length} embedded, ${known} of 2 by e-mail`,
        ),
      );
    }
    return allOf(parts);
  });
}

async function ownerDeletesProject(world: World, second: Caller, email: string): Promise<Verdict> {
  const organization = await world.makeOrganization();
  const path = `${organizations}${organization.id}/`;
  const project = await world.makeProject(organization.id);
  await world.first.need([200, 201], "POST", `${path}members/`, { email, role: "OWNER" });
  await world.readOwn(`${path}projects/${project.id}/`);
  const read = await second.call("GET", `${path}projects/${project.id}/`);
  const deletion = await world.deleteOwn(`${path}projects/${project.id}/`, project.id, second);
  return judged(
    read.status === 200 && deletion.status < 300,
    `GET ${read.status}, DELETE ${deletion.status}`,
  );
}

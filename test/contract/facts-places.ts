import { z } from "zod";
import { answered } from "./answered.ts";
import type { Check } from "./check.ts";
import { type Caller, field, rows, text } from "./client.ts";
import { allOf, confirmed, judged, unchecked, type Verdict } from "./verdict.ts";
import { identify, organizations, unknownId, type World, webhooksOf } from "./world.ts";

const message = z.object({ message: z.string() });
const detail = z.object({ detail: z.string() });
const list = z.array(z.unknown());
const members = z.object({ members: z.array(z.object({ role: z.enum(["READER", "OWNER"]) })).min(1) });
const webhook = z.object({
  webhook_id: z.union([z.string(), z.int()]),
  name: z.string(),
  url: z.string(),
  event_types: z.array(z.string()),
  project: z.string(),
  is_active: z.literal(true),
});

/** What is documented of accounts, organizations, projects, members and webhooks. */
export function placeFacts(stranger: Caller): readonly Check[] {
  return [...protocolFacts(stranger), ...organizationFacts, ...projectFacts, ...memberFacts, ...webhookFacts];
}

function protocolFacts(stranger: Caller): readonly Check[] {
  return [
    {
      name: "ping answers status, org_id, project_id, user_email",
      look: async (world) => {
        const shape = z.object({
          status: z.literal("ok"),
          org_id: z.string(),
          project_id: z.string(),
          user_email: z.string(),
        });
        return answered(world, await world.first.call("GET", "/v1/ping/"), 200, shape);
      },
    },
    {
      name: "a key that is none is answered 401 {detail}",
      look: async (world) => answered(world, await stranger.call("GET", "/v1/ping/"), 401, detail),
    },
    {
      name: "a method that a path has not is answered 405",
      look: async (world) => {
        const reply = await world.first.call("PATCH", `/v1/memories/${unknownId()}/`, {});
        return judged(reply.status === 405, world.first.excerpt(reply));
      },
    },
  ];
}

const organizationFacts: readonly Check[] = [
  {
    name: "an organization is created with 201 {message, org_id}",
    look: async (world) =>
      answered(world, (await world.organization()).reply, 201, message.extend({ org_id: z.string() })),
  },
  {
    name: "an organization without a name is a 400 {errors: {name}}",
    look: async (world) =>
      answered(
        world,
        await world.first.call("POST", organizations, {}),
        400,
        z.object({ errors: z.object({ name: z.array(z.string()) }) }),
      ),
  },
  {
    name: "the list of organizations is a bare array",
    look: async (world) => answered(world, await world.first.call("GET", organizations), 200, list),
  },
  {
    name: "an unknown organization is a 404 {message}",
    look: async (world) =>
      answered(world, await world.first.call("GET", `${organizations}org_${"0".repeat(40)}/`), 404, message),
  },
  {
    name: "an organization is deleted with 200 {message}, and then is a 404",
    look: async (world) => {
      const { id } = await world.makeOrganization();
      const path = `${organizations}${id}/`;
      const first = answered(world, await world.deleteOwn(path, id), 200, message);
      const { value } = await world.until(3 * world.timings.goneMs, async () => {
        const again = await world.first.call("DELETE", path);
        return again.status === 404 ? again : null;
      });
      return allOf([first, judged(value !== null, "a second DELETE: 404")]);
    },
  },
];

const projectFacts: readonly Check[] = [
  {
    name: "a project is created with 200, not 201",
    look: async (world) =>
      answered(world, (await world.project()).reply, 200, message.extend({ project_id: z.string() })),
  },
  {
    name: "a project without a name is a 400 {message}",
    look: async (world) => {
      const { id } = await world.organization();
      const { reply } = await world.tryProject(id, (tag) => ({ description: tag }));
      return answered(world, reply, 400, message);
    },
  },
  {
    name: "a project is read with project_id, and without id and org_id",
    look: async (world) => {
      const reply = await world.readOwn((await world.project()).path);
      const shape = z.object({
        project_id: z.string(),
        name: z.string(),
        id: z.undefined().optional(),
        org_id: z.undefined().optional(),
      });
      return answered(world, reply, 200, shape);
    },
  },
  {
    name: "an unknown project is a 404 {message}",
    look: async (world) => {
      const { id } = await world.organization();
      const reply = await world.first.call("GET", `${organizations}${id}/projects/proj_${"0".repeat(40)}/`);
      return answered(world, reply, 404, message);
    },
  },
  {
    name: "a project takes PATCH, answered 200 {message}, and no PUT: 405",
    look: async (world) => {
      const { path } = await world.project();
      const patched = await world.first.call("PATCH", path, { decay: false });
      const put = await world.first.call("PUT", path, { decay: false });
      return allOf([answered(world, patched, 200, message), judged(put.status === 405, `PUT ${put.status}`)]);
    },
  },
];

/** @throws {Barred} */
async function memberPaths(
  world: World,
): Promise<{ readonly organization: string; readonly project: string }> {
  return world.once("paths of members", async () => {
    const made = await world.makeOrganization();
    const project = await world.makeProject(made.id);
    const organization = `${organizations}${made.id}/`;
    return {
      organization: `${organization}members/`,
      project: `${organization}projects/${project.id}/members/`,
    };
  });
}

const memberFacts: readonly Check[] = [
  {
    name: "members of an organization and of a project are {members}, the creator OWNER",
    look: async (world) => {
      const paths = await memberPaths(world);
      const parts: Verdict[] = [];
      for (const path of Object.values(paths)) {
        parts.push(answered(world, await world.first.call("GET", path), 200, members));
      }
      return allOf(parts);
    },
  },
  {
    name: "a role that is none is a 400",
    look: async (world) => {
      const { organization } = await memberPaths(world);
      const { user_email: email } = await world.me();
      const reply = await world.first.call("POST", organization, { email, role: "ADMIN" });
      return judged(reply.status === 400, world.first.excerpt(reply));
    },
  },
  {
    name: "a member is added (201, project 200), gets another role, and is removed (body, project query)",
    look: memberComesAndGoes,
  },
];

async function memberComesAndGoes(world: World): Promise<Verdict> {
  if (world.second === null) return unchecked("needs the key of another person: --second-key");
  const { user_email: email } = await identify(world.second);
  const { organization, project } = await memberPaths(world);
  const reader = { email, role: "READER" };
  const owner = { email, role: "OWNER" };
  const { first } = world;
  const parts = [
    answered(world, await first.call("POST", organization, reader), 201, message),
    answered(world, await first.call("POST", project, reader), 200, message),
    answered(world, await first.call("PUT", organization, owner), 200, message),
    answered(world, await first.call("PUT", project, owner), 200, message),
    answered(
      world,
      await first.call("DELETE", `${project}?email=${encodeURIComponent(email)}`),
      200,
      message,
    ),
    answered(world, await first.call("DELETE", organization, { email }), 200, message),
  ];
  return allOf(parts);
}

const webhookFacts: readonly Check[] = [
  {
    name: "a webhook is created with 201, active, and the list of its project shows it",
    look: async (world) => {
      const project = await world.project();
      const made = await world.makeWebhook(project.id);
      const listed = await world.first.call("GET", webhooksOf(project.id));
      const isListed = rows(listed.body).some((row) => String(field(row, "webhook_id")) === made.id);
      return allOf([
        answered(world, made.reply, 201, webhook),
        answered(world, listed, 200, list),
        judged(isListed, "in the list"),
      ]);
    },
  },
  {
    name: "a webhook without a name is a 400 {name}",
    look: async (world) => {
      const { id } = await world.project();
      const body = { url: "https://example.com/loci-contract", event_types: ["memory_add"] };
      const reply = await world.first.call("POST", webhooksOf(id), body);
      return answered(world, reply, 400, z.object({ name: z.array(z.string()) }));
    },
  },
  {
    name: "a webhook's PUT changes only what is given",
    look: async (world) => {
      const { id } = await world.project();
      const made = await world.makeWebhook(id);
      const reply = await world.first.call("PUT", `/api/v1/webhooks/${made.id}/`, {
        name: `${made.tag} renamed`,
      });
      const listed = rows((await world.first.need([200], "GET", webhooksOf(id))).body);
      const own = listed.find((row) => String(field(row, "webhook_id")) === made.id);
      const isSo = text(own, "name").endsWith("renamed") && text(own, "url").endsWith(made.tag);
      return allOf([answered(world, reply, 200, message), judged(isSo, "the name changed, the URL stayed")]);
    },
  },
  {
    name: "a webhook is deleted with 200 {message}, at once, and then is a 404 {error}",
    look: async (world) => {
      const { id } = await world.project();
      const { id: webhookId } = await world.makeWebhook(id);
      const path = `/api/v1/webhooks/${webhookId}/`;
      const first = answered(world, await world.deleteOwn(path, webhookId), 200, message);
      return allOf([
        first,
        answered(world, await world.first.call("DELETE", path), 404, z.object({ error: z.string() })),
      ]);
    },
  },
  {
    name: "webhooks of a project that is none are a 403 {error}",
    look: async (world) => {
      const reply = await world.first.call("GET", webhooksOf(`proj_${"0".repeat(40)}`));
      return answered(world, reply, 403, z.object({ error: z.string() }));
    },
  },
];

/** A fact about all answers together. */
export function shapeFact(misfits: ReadonlyMap<string, string>, isKnown: boolean): Check {
  return {
    name: "answers have the shapes of Mem0's OpenAPI file",
    isLast: true,
    look: async () => {
      if (!isKnown) return unchecked("the OpenAPI file is not there");
      if (misfits.size === 0) return confirmed("all that the file describes");
      return { state: "REFUTED", seen: [...misfits.values()].join("; ") };
    },
  };
}

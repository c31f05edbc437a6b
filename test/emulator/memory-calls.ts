import { remember } from "./remember.ts";
import type { Rig } from "./rig.ts";

/** The user that most memories of the tests belong to. */
export const alice = { user_id: "alice" };

/** Two projects of one organization and one person, with a key each. */
export interface Neighbours {
  readonly here: Rig;
  readonly there: Rig;
  /** What leads a call to the other project. */
  readonly pair: { readonly org_id: string; readonly project_id: string };
}

/** The rig's own project, and a new one beside it. */
export async function neighbours(rig: Rig): Promise<Neighbours> {
  const { org_id } = await rig.ping();
  const pair = { org_id, project_id: await rig.createProject(org_id, "beside") };
  return { here: rig, there: rig.as(await rig.makeKey(pair)), pair };
}

/** How many memories pass the filters; of a refusal its status. */
export async function count(rig: Rig, filters: object = alice): Promise<number> {
  const reply = await rig.call("POST", "/v3/memories/", { filters });
  return reply.status === 200 ? (reply.body as { count: number }).count : reply.status;
}

/** The texts that pass the filters, as listed. */
export async function texts(rig: Rig, filters: object = alice): Promise<readonly string[]> {
  const { body } = await rig.call("POST", "/v3/memories/", { filters });
  return (body as { results: { memory: string }[] }).results.map(({ memory }) => memory);
}

/** Adds what is extracted from this text at once, and answers the reply. */
export async function tell(rig: Rig, content: unknown, fields: object = alice) {
  await rig.switches({ addDelayMs: 0 });
  return rig.call("POST", "/v3/memories/add/", { messages: [{ role: "user", content }], ...fields });
}

/** Updates a new memory so, which has this metadata, and answers the reply. */
export async function updated(rig: Rig, change: object, fields: object = {}) {
  const id = await remember(rig, "Likes tea", { ...alice, ...fields });
  return rig.call("PUT", `/v1/memories/${id}/`, change);
}

/** The names of the project's entities, as listed. */
export async function entityNames(rig: Rig): Promise<readonly string[]> {
  const { body } = await rig.call("GET", "/v1/entities/");
  return (body as { results: { name: string }[] }).results.map(({ name }) => name);
}

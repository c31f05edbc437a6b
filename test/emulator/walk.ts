import type { Reply, Rig } from "./rig.ts";

/** One answer of the walk: the operation as Mem0's OpenAPI file names it, and what came back. */
export interface WalkedAnswer {
  readonly operation: string;
  readonly status: number;
  readonly body: unknown;
}

interface Asked {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: unknown;
  /** Who asks; the first person unless said otherwise. */
  readonly as?: Rig;
}

type Ask = (operation: string, status: number, asked?: Asked) => Promise<unknown>;

const unknown = "00000000-0000-4000-8000-000000000000";
const alice = { filters: { user_id: "alice" } };

/**
 * Asks every operation for a success and for every error that Mem0's OpenAPI file has for it.
 * @throws when an answer has another status than expected.
 */
export async function walk(rig: Rig): Promise<readonly WalkedAnswer[]> {
  const answers: WalkedAnswer[] = [];
  const ask: Ask = async (operation, status, { params = {}, query = "", body, as = rig } = {}) => {
    const [method = "", path = ""] = operation.split(" ");
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
      encodeURIComponent(params[name] ?? name),
    );
    const reply: Reply = await as.call(method, filled + query, body);
    if (reply.status !== status) {
      throw new Error(`${operation}: ${reply.status} instead of ${status}: ${reply.text}`);
    }
    answers.push({ operation, status, body: reply.body });
    return reply.body;
  };
  await rig.switches({ addDelayMs: 0 });
  await walkMemories(rig, ask);
  await walkOldMemories(ask);
  await walkSingleMemory(rig.as("m0-stranger"), ask);
  await walkEntities(ask);
  await walkExportsAndEvents(ask);
  await walkPlaces(rig, ask);
  await walkMembers(rig, ask);
  await walkWebhooks(rig, ask);
  return answers;
}

async function walkMemories(rig: Rig, ask: Ask): Promise<void> {
  const stranger = rig.as("m0-stranger");
  const said = (content: string) => [{ role: "user", content }];
  const whole = { metadata: { a: 1 }, expiration_date: "2099-01-01", app_id: "app", run_id: "run" };
  await ask("GET /v1/ping/", 200);
  await ask("GET /v1/ping/", 401, { as: stranger });
  await ask("POST /v3/memories/add/", 200, {
    body: { messages: said("I live in Austin."), user_id: "alice" },
  });
  await ask("POST /v3/memories/add/", 200, { body: { messages: said("I live in Rome."), user_id: "alice" } });
  await ask("POST /v3/memories/add/", 200, {
    body: { messages: said("Plays chess"), user_id: "alice", infer: false, ...whole },
  });
  await ask("POST /v3/memories/add/", 400, { body: { messages: said("x") } });
  await ask("POST /v3/memories/add/", 401, { as: stranger, body: {} });
  await ask("POST /v3/memories/", 200, { body: alice });
  await ask("POST /v3/memories/", 200, { body: alice, query: "?page_size=1&page=2" });
  await ask("POST /v3/memories/", 400, { body: {} });
  await ask("POST /v3/memories/", 401, { as: stranger, body: {} });
  await ask("POST /v3/memories/search/", 200, { body: { query: "chess", ...alice } });
  await ask("POST /v3/memories/search/", 400, { body: {} });
  await ask("POST /v3/memories/search/", 401, { as: stranger, body: {} });
  await ask("GET /v1/stats/", 200);
  await ask("POST /v1/summary/", 200, { body: alice });
}

async function walkOldMemories(ask: Ask): Promise<void> {
  const messages = [{ role: "user", content: "Likes jazz" }];
  const asked = { messages, user_id: "alice" };
  await ask("POST /v1/memories/", 200, { body: asked });
  await ask("POST /v1/memories/", 200, { body: { ...asked, infer: false } });
  await ask("POST /v1/memories/", 200, { body: { ...asked, output_format: "v1.1", version: "v2" } });
  await ask("POST /v1/memories/", 400, { body: { messages: "", user_id: "alice" } });
  await ask("POST /v1/memories/", 400, { body: { messages } });
  await ask("POST /v1/memories/", 400, { body: { messages: [7], user_id: "alice" } });
  await ask("GET /v1/memories/", 200, { query: "?user_id=alice" });
  await ask("GET /v1/memories/", 200, { query: "?user_id=alice&page=1&page_size=1" });
  await ask("GET /v1/memories/", 400);
  await ask("GET /v1/memories/", 400, { query: "?user_id=alice&limit=201" });
  await ask("GET /v1/memories/", 404, { query: "?user_id=alice&page=9&page_size=100" });
  await ask("POST /v2/memories/", 200, { body: alice });
  await ask("POST /v2/memories/", 400, { body: {} });
  await ask("POST /v1/memories/search/", 200, { body: { query: "jazz", user_id: "alice" } });
  await ask("POST /v1/memories/search/", 200, {
    body: { query: "jazz", user_id: "alice", output_format: "v1.1" },
  });
  await ask("POST /v1/memories/search/", 400, { body: { query: "jazz" } });
  await ask("POST /v2/memories/search/", 200, { body: { query: "jazz", ...alice } });
}

async function walkSingleMemory(stranger: Rig, ask: Ask): Promise<void> {
  const single = "/v1/memories/{memory_id}/";
  const listed = (await ask("POST /v3/memories/", 200, { body: alice })) as {
    results: readonly { id: string }[];
  };
  const [first = "", second = "", third = ""] = listed.results.map(({ id }) => id);
  const params = { memory_id: first };
  await ask(`GET ${single}`, 200, { params });
  await ask(`PUT ${single}`, 200, { params, body: { text: "Likes swing", metadata: { b: 2 } } });
  await ask("GET /v1/memories/{memory_id}/history/", 200, { params });
  await ask("GET /v1/memories/events/", 200);
  await ask("GET /v1/memories/events/", 404, { query: "?page=99" });
  const ofAlice = { entity_type: "user", entity_id: "alice" };
  await ask("GET /v1/memories/{entity_type}/{entity_id}/", 200, { params: ofAlice });
  await ask("GET /v1/memories/{entity_type}/{entity_id}/", 400, { params: { ...ofAlice, entity_type: "x" } });
  await ask("GET /v1/memories/{entity_type}/{entity_id}/", 404, { params: ofAlice, query: "?page=99" });
  await ask("POST /v1/feedback/", 200, { body: { memory_id: first, feedback: "POSITIVE" } });
  await ask("POST /v1/feedback/", 200, { body: { memory_id: first, feedback: null } });
  await ask("POST /v1/feedback/", 401, { as: stranger, body: {} });
  await ask("POST /v1/feedback/", 400, { body: { memory_id: "x" } });
  const tooMany = { memories: Array.from({ length: 1001 }, () => ({ memory_id: first })) };
  await ask("PUT /v1/batch/", 200, { body: { memories: [{ memory_id: second, text: "Likes bebop" }] } });
  await ask("PUT /v1/batch/", 400, { body: tooMany });
  await ask("DELETE /v1/batch/", 200, { body: { memories: [{ memory_id: second }] } });
  await ask("DELETE /v1/batch/", 400, { body: tooMany });
  for (const method of ["GET", "PUT", "DELETE"]) {
    const body = method === "PUT" ? { text: "x" } : undefined;
    await ask(`${method} ${single}`, 404, { params: { memory_id: unknown }, body });
    await ask(`${method} ${single}`, 400, { params: { memory_id: "batch" }, body });
  }
  await ask(`DELETE ${single}`, 200, { params });
  await ask(`DELETE ${single}`, 200, { params: { memory_id: third }, query: "?delete_linked=true" });
}

async function walkEntities(ask: Ask): Promise<void> {
  const named = "/v2/entities/{entity_type}/{entity_id}/";
  const numbered = "DELETE /v1/entities/{entity_type}/{entity_id}/";
  const bob = (await ask("POST /v1/users/", 201, { body: { user_id: "bob" } })) as { id: number };
  for (const type of ["agent", "app", "run"]) {
    const body = { [`${type}_id`]: type, name: "A name", metadata: { a: 1 } };
    await ask(`POST /v1/${type}s/`, 201, { body });
  }
  await ask("GET /v1/entities/", 200);
  await ask("GET /v1/entities/filters/", 200);
  await ask(`GET ${named}`, 200, { params: { entity_type: "agent", entity_id: "agent" } });
  await ask(numbered, 200, { params: { entity_type: "user", entity_id: String(bob.id) } });
  await ask(numbered, 400, { params: { entity_type: "user", entity_id: "bob" } });
  await ask(`DELETE ${named}`, 200, { params: { entity_type: "agent", entity_id: "agent" } });
  await ask(`DELETE ${named}`, 400, { params: { entity_type: "x", entity_id: "agent" } });
}

async function walkExportsAndEvents(ask: Ask): Promise<void> {
  const schema = { properties: { music: { type: "string" } } };
  const made = (await ask("POST /v1/exports/", 201, { body: { schema, ...alice } })) as { id: string };
  await ask("POST /v1/exports/", 400, { body: alice });
  await ask("POST /v1/exports/", 400, { body: { schema } });
  await ask("POST /v1/exports/get/", 200, { body: { memory_export_id: made.id } });
  await ask("POST /v1/exports/get/", 400, { body: {} });
  await ask("POST /v1/exports/get/", 404, { body: { memory_export_id: unknown } });
  await ask("DELETE /v1/memories/", 200, { query: "?user_id=alice" });
  const { results } = (await ask("GET /v1/events/", 200)) as { results: readonly { id: string }[] };
  for (const { id } of results) await ask("GET /v1/event/{event_id}/", 200, { params: { event_id: id } });
  await ask("GET /v1/event/{event_id}/", 404, { params: { event_id: unknown } });
}

const organizations = "/api/v1/orgs/organizations/";
const organization = `${organizations}{org_id}/`;
const projects = `${organization}projects/`;
const project = `${projects}{project_id}/`;

async function walkPlaces(rig: Rig, ask: Ask): Promise<void> {
  await rig.control("POST", "users", { email: "reader@acme.test" });
  const made = (await ask(`POST ${organizations}`, 201, { body: { name: "Acme" } })) as { org_id: string };
  await ask(`POST ${organizations}`, 400, { body: {} });
  await ask(`GET ${organizations}`, 200);
  const at = { org_id: made.org_id };
  await ask(`GET ${organization}`, 200, { params: at });
  const body = { name: "memories", description: "of Acme" };
  const inside = (await ask(`POST ${projects}`, 200, { params: at, body })) as { project_id: string };
  const params = { ...at, project_id: inside.project_id };
  await ask(`POST ${projects}`, 400, { params: at, body: {} });
  await ask(`GET ${projects}`, 200, { params: at });
  const settings = { custom_instructions: "x", custom_categories: [{ a: "b" }], usecase_setting: 3 };
  await ask(`PATCH ${project}`, 200, { params, body: settings });
  await ask(`GET ${project}`, 200, { params });
  const cleared = { custom_instructions: null, custom_categories: ["plain"], memory_depth: null };
  await ask(`PATCH ${project}`, 200, { params, body: { ...cleared, description: null } });
  await ask(`GET ${project}`, 200, { params });
  const reader = await readerOf(rig, params);
  await ask(`POST ${projects}`, 403, { params: at, body, as: reader });
  await ask(`DELETE ${project}`, 403, { params, as: reader });
  await ask(`DELETE ${organization}`, 403, { params: at, as: reader });
  for (const method of ["GET", "PATCH", "DELETE"]) {
    await ask(`${method} ${project}`, 404, { body: method === "PATCH" ? {} : undefined });
  }
  for (const method of ["GET", "DELETE"]) await ask(`${method} ${organization}`, 404);
  await ask(`DELETE ${project}`, 200, { params });
  await ask(`DELETE ${organization}`, 200, { params: at });
}

async function readerOf(rig: Rig, place: { org_id: string; project_id: string }): Promise<Rig> {
  const email = "reader@acme.test";
  await rig.control("POST", "members", { org_id: place.org_id, email, role: "READER" });
  await rig.control("POST", "members", { ...place, email, role: "READER" });
  return rig.as(await rig.makeKey({ ...place, email }));
}

async function walkMembers(rig: Rig, ask: Ask): Promise<void> {
  const params = { org_id: await rig.createOrganization(), project_id: "" };
  params.project_id = await rig.createProject(params.org_id);
  const reader = await readerOf(rig, params);
  const email = "bob@acme.test";
  await rig.control("POST", "users", { email });
  const added = { email, role: "READER" };
  const changed = { email, role: "OWNER" };
  const ofOrganization = `${organization}members/`;
  await ask(`POST ${ofOrganization}`, 201, { params, body: added });
  await ask(`POST ${ofOrganization}`, 400, { params, body: {} });
  await ask(`GET ${ofOrganization}`, 200, { params });
  await ask(`PUT ${ofOrganization}`, 200, { params, body: changed });
  await ask(`PUT ${ofOrganization}`, 400, { params, body: {} });
  await ask(`DELETE ${ofOrganization}`, 200, { params, body: { email } });
  for (const method of ["GET", "POST", "PUT", "DELETE"]) {
    await ask(`${method} ${ofOrganization}`, 404, { body: method === "GET" ? undefined : added });
  }
  const ofProject = `${project}members/`;
  const query = `?email=${encodeURIComponent(email)}`;
  await ask(`POST ${ofProject}`, 200, { params, body: added });
  await ask(`GET ${ofProject}`, 200, { params });
  await ask(`PUT ${ofProject}`, 200, { params, body: changed });
  await ask(`POST ${ofProject}`, 403, { params, body: added, as: reader });
  await ask(`PUT ${ofProject}`, 403, { params, body: added, as: reader });
  await ask(`DELETE ${ofProject}`, 403, { params, query, as: reader });
  await ask(`DELETE ${ofProject}`, 200, { params, query });
  for (const method of ["GET", "POST", "PUT", "DELETE"]) {
    await ask(`${method} ${ofProject}`, 404, { query, body: method === "GET" ? undefined : added });
  }
}

async function walkWebhooks(rig: Rig, ask: Ask): Promise<void> {
  const ofProject = "/api/v1/webhooks/projects/{project_id}/";
  const single = "/api/v1/webhooks/{webhook_id}/";
  const params = { project_id: (await rig.ping()).project_id };
  const body = { name: "w", url: "https://acme.test/hook", event_types: ["memory_add"] };
  const made = (await ask(`POST ${ofProject}`, 201, { params, body })) as { webhook_id: string };
  const eve = await rig.somebodyElse("eve@else.test");
  const one = { webhook_id: made.webhook_id };
  await ask(`POST ${ofProject}`, 400, { params, body: {} });
  await ask(`POST ${ofProject}`, 400, { params, body: { ...body, event_types: ["x"] } });
  await ask(`POST ${ofProject}`, 403, { params, body, as: eve });
  await ask(`GET ${ofProject}`, 200, { params });
  await ask(`GET ${ofProject}`, 403, { params, as: eve });
  await ask(`PUT ${single}`, 200, { params: one, body: { name: "v" } });
  await ask(`PUT ${single}`, 400, { params: one, body: { url: "x" } });
  for (const method of ["PUT", "DELETE"]) {
    const sent = method === "PUT" ? {} : undefined;
    await ask(`${method} ${single}`, 403, { params: one, body: sent, as: eve });
    await ask(`${method} ${single}`, 404, { params: { webhook_id: "wh_none" }, body: sent });
  }
  await ask(`DELETE ${single}`, 200, { params: one });
}

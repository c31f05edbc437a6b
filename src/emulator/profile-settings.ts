import { type Answer, json } from "./answer.ts";
import type { Call } from "./call.ts";
import { nowMs } from "./clock.ts";
import { isDictionary } from "./memory-fields.ts";
import type { Metadata } from "./memory-rows.ts";
import { profileSettings, settingsOfProject } from "./profile-rows.ts";
import { refusalError } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";
import { put } from "./table.ts";

const path = "/v2/profiles/settings/";

/** How a project wants the profiles of its users (Mem0's npm client 3.3.1; not in its OpenAPI file). Roles are not asked (inferred). */
export const profileSettingsResource: Resource = {
  routes: [
    {
      method: "GET",
      path,
      handle: (upstream, call) => json(200, settingsObject(upstream, call.caller.projectId)),
    },
    { method: "POST", path, handle: updateSettings },
  ],
  tables: [profileSettings],
};

/** Changes what is given; null clears. The settings as they are now come back. */
function updateSettings(upstream: Upstream, call: Call): Answer {
  const { projectId } = call.caller;
  const change = readChange(call.body());
  const atMs = nowMs();
  const times = { created_ms: atMs, inserted_ms: atMs, deleted_ms: null };
  const existing = upstream.state.table(profileSettings).get(projectId);
  const settings = settingsOfProject(upstream, projectId);
  upstream.state.commit([
    put(profileSettings, {
      ...times,
      ...existing,
      ...settings,
      ...change,
      project_id: projectId,
      updated_ms: atMs,
    }),
  ]);
  return json(200, settingsObject(upstream, projectId));
}

function settingsObject(upstream: Upstream, projectId: string): object {
  const { enabled, schema, custom_instructions } = settingsOfProject(upstream, projectId);
  return {
    enabled,
    entities: { user: { schema, custom_instructions } },
    capabilities: { entity_types: ["user"] },
  };
}

interface SettingsChange {
  readonly enabled?: boolean;
  readonly schema?: Metadata | null;
  readonly custom_instructions?: string | null;
}

/**
 * @throws {Refusal} 400 `Unsupported settings` for what does not belong where it stands, and for a schema that lacks the
 *   description of a property (both are told by the npm client; the envelope and the other words are inferred).
 */
function readChange(body: Readonly<Record<string, unknown>>): SettingsChange {
  refuseOthers(body, ["enabled", "entities"], "");
  const { enabled, entities = {} } = body;
  if (enabled !== undefined && typeof enabled !== "boolean")
    throw refusalError(400, "enabled must be a boolean");
  if (!isDictionary(entities)) throw refusalError(400, "entities must be an object");
  refuseOthers(entities, ["user"], "entities.");
  const user = entities["user"] ?? {};
  if (!isDictionary(user)) throw refusalError(400, "entities.user must be an object");
  refuseOthers(user, ["schema", "custom_instructions"], "entities.user.");
  const { schema, custom_instructions: instructions } = user;
  const isText = instructions === undefined || instructions === null || typeof instructions === "string";
  if (!isText) throw refusalError(400, "entities.user.custom_instructions must be a string");
  return {
    ...(enabled === undefined ? {} : { enabled }),
    ...(schema === undefined ? {} : { schema: readSchema(schema) }),
    ...(instructions === undefined ? {} : { custom_instructions: instructions }),
  };
}

function refuseOthers(
  given: Readonly<Record<string, unknown>>,
  allowed: readonly string[],
  place: string,
): void {
  const others = Object.keys(given).filter((name) => !allowed.includes(name));
  if (others.length === 0) return;
  throw refusalError(400, `Unsupported settings: ${others.map((name) => place + name).join(", ")}`);
}

/** An empty schema counts as none, and one without `properties` is taken: it says nothing of any (both inferred). */
function readSchema(schema: unknown): Metadata | null {
  if (schema === null) return null;
  const { properties = {} } = isDictionary(schema) ? schema : {};
  if (!isDictionary(schema) || !isDictionary(properties) || Object.keys(schema).length === 0) {
    throw refusalError(400, "schema must be a JSON Schema object with properties");
  }
  const bare = Object.entries(properties).filter(
    ([, property]) => !isDictionary(property) || typeof property["description"] !== "string",
  );
  if (bare.length === 0) return schema;
  const names = bare.map(([name]) => name).join(", ");
  throw refusalError(400, `Every property of schema needs a description: ${names}`);
}

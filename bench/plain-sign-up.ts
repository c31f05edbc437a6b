import { randomBytes } from "node:crypto";
import { place } from "./place.ts";
import type { Upstream } from "./upstream.ts";

/**
 * Makes the place of a sign-up with nothing but the calls: the same requests with the same bodies in the same shape
 * as the saga (organization; project and organization member; settings, project member and webhook). Nothing is
 * recorded anywhere, and nothing would be undone.
 * @throws {Error} when an answer is not a success
 */
export async function signUpPlainly(upstream: Upstream): Promise<void> {
  const [member] = place.members;
  const [webhook] = place.webhooks;
  const { org_id } = await call(upstream, "POST", "/api/v1/orgs/organizations/", {
    name: `${place.name} ·${marker()}`,
  });
  const organization = `/api/v1/orgs/organizations/${String(org_id)}`;
  const [{ project_id }] = await Promise.all([
    call(upstream, "POST", `${organization}/projects/`, {
      name: place.name,
      description: `The memories of ${place.name}. Managed by Loci. ·${marker()}`,
    }),
    call(upstream, "POST", `${organization}/members/`, { email: member?.email, role: member?.role }),
  ]);
  const project = `${organization}/projects/${String(project_id)}/`;
  await Promise.all([
    call(upstream, "PATCH", project, { custom_instructions: place.settings.customInstructions }),
    call(upstream, "POST", `${project}members/`, { email: member?.email, role: member?.role }),
    call(upstream, "POST", `/api/v1/webhooks/projects/${String(project_id)}/`, {
      name: "webhook-1",
      url: webhook?.url,
      event_types: webhook?.eventTypes.map((type) => type.toLowerCase()),
    }),
  ]);
}

/** The least call there is: who am I. */
export async function pingPlainly(upstream: Called): Promise<void> {
  await call(upstream, "GET", "/v1/ping/");
}

/** What a plain call takes. */
type Called = Pick<Upstream, "pool" | "apiKey">;

async function call(
  { pool, apiKey }: Called,
  method: "GET" | "POST" | "PATCH",
  path: string,
  body?: object,
): Promise<Readonly<Record<string, unknown>>> {
  const answer = await pool.request({
    method,
    path,
    headers: {
      authorization: `Token ${apiKey}`,
      accept: "application/json",
      "user-agent": "loci",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const parsed: unknown = await answer.body.json();
  if (answer.statusCode >= 300 || typeof parsed !== "object" || parsed === null) {
    throw new Error(`${method} ${path} answered ${answer.statusCode}: ${JSON.stringify(parsed)}`);
  }
  return { ...parsed };
}

/** As long as a real one. */
function marker(): string {
  return randomBytes(8).toString("hex").toUpperCase();
}

import { z } from "zod";
import { entityName } from "./arguments.ts";
import { startedAnswer } from "./events.ts";
import { InvalidArgument } from "./invalid-argument.ts";
import { optionalObject } from "./memory-answers.ts";
import { emptyPage, type Page, pageAnswer, pageNumber, pageSize, sendForPage } from "./pages.ts";
import { mem0Path } from "./path.ts";
import type { CallOptions, Mem0 } from "./request.ts";
import { optionalDate, upstreamId } from "./wire-fields.ts";

/** What memories can be of, in Mem0's words. */
export const entityTypes = ["user", "agent", "app", "run"] as const;

/** One of `entityTypes`. */
export type EntityType = (typeof entityTypes)[number];

/** A user, agent, app or run that memories are of. */
export interface Entity {
  /** Mem0's own. What memory calls take is the name. */
  readonly entityId: string;
  readonly name: string;
  readonly type: EntityType;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly createdAt: Date | null;
  readonly updatedAt: Date | null;
}

/** How many entities of each type the project has; null where Mem0 does not say. */
export interface EntityTotals {
  readonly users: number | null;
  readonly agents: number | null;
  readonly apps: number | null;
  readonly runs: number | null;
}

/** A page of entities, with the totals of the whole project. */
export type EntityPage = Page<Entity> & { readonly totals: EntityTotals };

const entityAnswer: z.ZodType<Entity> = z
  .object({
    id: upstreamId,
    name: z.string(),
    type: z.enum(entityTypes),
    metadata: optionalObject,
    created_at: optionalDate,
    updated_at: optionalDate,
  })
  .transform((wire) => ({
    entityId: wire.id,
    name: wire.name,
    type: wire.type,
    metadata: wire.metadata,
    createdAt: wire.created_at,
    updatedAt: wire.updated_at,
  }));

const optionalTotal = z
  .int()
  .min(0)
  .nullish()
  .transform((total) => total ?? null);

const totalsAnswer: z.ZodType<{ readonly totals: EntityTotals }> = z.preprocess(
  (body) => (Array.isArray(body) ? {} : body),
  z
    .object({
      total_users: optionalTotal,
      total_agents: optionalTotal,
      total_apps: optionalTotal,
      total_runs: optionalTotal,
    })
    .transform((wire) => ({
      totals: {
        users: wire.total_users,
        agents: wire.total_agents,
        apps: wire.total_apps,
        runs: wire.total_runs,
      },
    })),
);

const noTotals: EntityTotals = { users: null, agents: null, apps: null, runs: null };

/**
 * A page of the project's users, agents, apps and runs, all in one list. Page and size are what Mem0's own client
 * sends; the OpenAPI document lacks them. `GET /v1/entities/?page=&page_size=`.
 *
 * @throws {InvalidArgument} for a page below 1, or a size outside 1 to 200.
 * @throws {Mem0Refused | Mem0Limited | Mem0Unanswered}
 */
export async function listEntities(
  mem0: Mem0,
  query: { readonly page?: number; readonly pageSize?: number } = {},
  options?: CallOptions,
): Promise<EntityPage> {
  const asked = { page: pageNumber(query.page), pageSize: pageSize(query.pageSize) };
  const request = {
    method: "GET",
    path: mem0Path("/v1/entities/", {}),
    query: { page: String(asked.page), page_size: String(asked.pageSize) },
    answer: z.intersection(pageAnswer(entityAnswer, asked), totalsAnswer),
    options,
  } as const;
  return sendForPage<EntityPage>(mem0, request, { ...emptyPage(asked), totals: noTotals });
}

/**
 * Deletes an entity with all its memories. The deed goes on after the answer: follow the event. A name that never was
 * is no error, and a repeat neither (live observation). `DELETE /v2/entities/{entity_type}/{entity_id}/`, where Mem0
 * means the name.
 *
 * @throws {InvalidArgument} for a type that is none, and a name that is blank, `*`, or would lead elsewhere as a path.
 * @throws {Mem0Refused | Mem0Limited | Mem0Unanswered}
 */
export async function deleteEntity(
  mem0: Mem0,
  type: EntityType,
  name: string,
  options?: CallOptions,
): Promise<{ readonly eventId: string | null }> {
  if (!entityTypes.includes(type)) {
    throw new InvalidArgument("type", "The type must be user, agent, app or run.");
  }
  const ids = { entity_type: type, entity_id: pathName("name", name) };
  const path = mem0Path("/v2/entities/{entity_type}/{entity_id}/", ids);
  return mem0.send({ method: "DELETE", path, answer: startedAnswer, options });
}

/** A proxy may decode `%2F` before it resolves dots, and then another path would be deleted. */
function pathName(argument: string, name: string): string {
  const segments = entityName(argument, name).split(/[/\\]/);
  if (!segments.includes(".") && !segments.includes("..")) return name;
  throw new InvalidArgument(argument, "A name in a path must not have a segment of dots.");
}

import type { CallerEntity } from "../access/caller.ts";
import type { MemoryFilter } from "../mem0/filters.ts";
import type { Memory } from "../mem0/memories.ts";
import { InvalidInput } from "../tenants/refusals.ts";

/** The names of the four ids of whom a memory is. */
type EntityField = "userId" | "agentId" | "appId" | "runId";

const fieldOf: Readonly<Record<CallerEntity["type"], EntityField>> = {
  user: "userId",
  agent: "agentId",
  app: "appId",
  run: "runId",
};

/** Whether a memory is there for a caller who may be bound to one entity. */
export function isOfEntity(entity: CallerEntity | null, memory: Pick<Memory, EntityField>): boolean {
  return entity === null || memory[fieldOf[entity.type]] === entity.id;
}

/**
 * What a caller asks for, and of his entity; who asks for nothing in particular gets all of it. The filter of one who is bound to
 * none is as he wrote it.
 */
export function narrowFilter(entity: CallerEntity | null, asked: MemoryFilter): MemoryFilter {
  if (entity === null) return asked;
  const own = { [fieldOf[entity.type]]: { eq: entity.id } };
  return Object.keys(asked).length === 0 ? own : { and: [own, asked] };
}

/** Where the caller wrote what stands at this place of the narrowed filter. */
export function fieldInAsked(
  entity: CallerEntity | null,
  fieldOfAsked: (argument: string) => string,
): (argument: string) => string {
  if (entity === null) return fieldOfAsked;
  return (argument) => fieldOfAsked(argument.replace(/^filters\.and\.1(?=\.|$)/, "filters"));
}

/**
 * What was found, which is the caller's, for that is what was asked for.
 * @throws when Mem0 answers with another's all the same: nothing of such an answer is passed on
 */
export function onlyOwn<Found extends Pick<Memory, EntityField>>(
  entity: CallerEntity | null,
  found: readonly Found[],
): readonly Found[] {
  if (found.every((memory) => isOfEntity(entity, memory))) return found;
  throw new Error("Mem0 answered with memories of another entity than the one that it was asked for.");
}

/** Of whom something is to be remembered, and how. */
type Remembered = { readonly [Field in EntityField]?: string | null | undefined } & {
  readonly infer?: boolean | null | undefined;
};

/**
 * Where both a user and an agent are named, what Mem0 extracts is of one of them alone: what the user said is the user's, what the
 * assistant said the agent's (Mem0 OpenAPI and docs, add-memories). Apps and runs stand on all of it.
 */
const sharedWith: { readonly [Field in EntityField]?: EntityField } = {
  userId: "agentId",
  agentId: "userId",
};

/**
 * An input that remembers something of the caller's entity, named or not, and nothing of which it would not be.
 * @throws {InvalidInput} when it names another, or names a second one to whom a part of it would go
 */
export function ownInput<Input extends Remembered>(entity: CallerEntity | null, input: Input): Input {
  if (entity === null) return input;
  const field = fieldOf[entity.type];
  const named = input[field] ?? entity.id;
  if (named !== entity.id) throw new InvalidInput([{ field, message: "This token is of another one." }]);
  const second = sharedWith[field];
  if (second !== undefined && (input[second] ?? null) !== null && input.infer !== false) {
    const message = `What is extracted would be of it alone in part, and not of the ${field} of this token: only with \`infer: false\`.`;
    throw new InvalidInput([{ field: second, message }]);
  }
  return { ...input, [field]: entity.id };
}

import {
  dayIfGiven,
  entityName,
  filledList,
  filledObject,
  jsonObject,
  metadataIfGiven,
  text,
  textIfGiven,
  unixSecondsIfGiven,
} from "./arguments.ts";
import { InvalidArgument } from "./invalid-argument.ts";
import type { AddMemoriesInput, MessageRole } from "./memories.ts";

// The type keeps it in step with `messageRoles`, whose file imports this one.
const roles: Readonly<Record<MessageRole, true>> = { user: true, assistant: true, system: true };

/**
 * What is to be remembered, as it goes over the wire.
 * @throws {InvalidArgument} for what Mem0 would refuse
 */
export function memoryInputOnWire(input: AddMemoriesInput): Readonly<Record<string, unknown>> {
  return {
    messages: filledList("messages", input.messages).map(messageOnWire),
    ...scopeOnWire(input),
    metadata: metadataIfGiven("metadata", input.metadata),
    infer: input.infer,
    expiration_date: dayIfGiven("expirationDate", input.expirationDate),
    custom_instructions: textIfGiven("customInstructions", input.customInstructions),
    agent_custom_instructions: textIfGiven("agentCustomInstructions", input.agentCustomInstructions),
    custom_categories: categoriesIfGiven(input.customCategories),
    immutable: input.isImmutable,
    includes: textIfGiven("includes", input.includes),
    excludes: textIfGiven("excludes", input.excludes),
    timestamp: unixSecondsIfGiven("timestamp", input.timestamp),
    timezone: textIfGiven("timezone", input.timezone),
    observation_date: dayIfGiven("observationDate", input.observationDate),
    structured_data_schema: schemaIfGiven(input.structuredDataSchema),
  };
}

function scopeOnWire({ userId, agentId, appId, runId }: AddMemoriesInput) {
  if ([userId, agentId, appId, runId].every((name) => name === undefined)) {
    throw new InvalidArgument("userId", "At least one of userId, agentId, appId and runId is needed.");
  }
  return {
    user_id: nameIfGiven("userId", userId),
    agent_id: nameIfGiven("agentId", agentId),
    app_id: nameIfGiven("appId", appId),
    run_id: nameIfGiven("runId", runId),
  };
}

function nameIfGiven(argument: string, name: string | undefined): string | undefined {
  return name === undefined ? undefined : entityName(argument, name);
}

function messageOnWire(message: unknown, index: number) {
  const argument = `messages.${index}`;
  const { role, content, name } = jsonObject(argument, message);
  if (typeof role !== "string" || !Object.hasOwn(roles, role)) {
    throw new InvalidArgument(`${argument}.role`, "The role must be user, assistant or system.");
  }
  return {
    role,
    content: text(`${argument}.content`, content),
    name: textIfGiven(`${argument}.name`, name),
  };
}

function categoriesIfGiven(categories: AddMemoriesInput["customCategories"]) {
  if (categories === undefined) return undefined;
  return filledList("customCategories", categories).map((category, index) => {
    const argument = `customCategories.${index}`;
    for (const [name, description] of Object.entries(filledObject(argument, category))) {
      text(argument, name);
      text(argument, description);
    }
    return category;
  });
}

function schemaIfGiven(schema: AddMemoriesInput["structuredDataSchema"]) {
  return schema === undefined ? undefined : filledObject("structuredDataSchema", schema);
}

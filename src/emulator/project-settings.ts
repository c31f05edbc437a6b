import { type BodyFields, pythonType } from "./body-fields.ts";
import type { ProjectSettings } from "./rows.ts";
import type { Switches } from "./switches.ts";

/** The settings of a new project. `memory_depth`, `version` and the batch size are illustrative: only their types are known. */
export const freshSettings: ProjectSettings = {
  description: null,
  usecase: null,
  memory_depth: "default",
  inclusion_prompt: null,
  exclusion_prompt: null,
  custom_categories: null,
  custom_instructions: null,
  agent_custom_instructions: null,
  update_custom_instructions: null,
  summary_custom_instructions: null,
  summary_batch_size: 10,
  summary_max_tokens: null,
  expiration_date: null,
  enable_graph: false,
  multilingual: false,
  version: "v2",
  active_prompt_profile: null,
  decay: false,
};

/** The settings of a project, in the order and with the names of the API. */
export function settingsOf(project: ProjectSettings): ProjectSettings {
  return {
    description: project.description,
    usecase: project.usecase,
    memory_depth: project.memory_depth,
    inclusion_prompt: project.inclusion_prompt,
    exclusion_prompt: project.exclusion_prompt,
    custom_categories: project.custom_categories,
    custom_instructions: project.custom_instructions,
    agent_custom_instructions: project.agent_custom_instructions,
    update_custom_instructions: project.update_custom_instructions,
    summary_custom_instructions: project.summary_custom_instructions,
    summary_batch_size: project.summary_batch_size,
    summary_max_tokens: project.summary_max_tokens,
    expiration_date: project.expiration_date,
    enable_graph: project.enable_graph,
    multilingual: project.multilingual,
    version: project.version,
    active_prompt_profile: project.active_prompt_profile,
    decay: project.decay,
  };
}

/** The settings as a GET shows them: what was sent, unless switches write instructions or categories otherwise. */
export function shownSettings(
  { instructionsShownAs, categoriesShownAs }: Switches,
  settings: ProjectSettings,
): object {
  const { custom_instructions: instructions, custom_categories: categories } = settings;
  return {
    ...settings,
    custom_instructions: instructionsShownAs === "list" ? (instructions?.split("\n") ?? null) : instructions,
    custom_categories:
      categoriesShownAs === "names" ? (categories?.flatMap(categoryNames) ?? null) : categories,
  };
}

function categoryNames(category: unknown): readonly unknown[] {
  return typeof category === "object" && category !== null ? Object.keys(category) : [category];
}

type Changes = { -readonly [Name in keyof ProjectSettings]?: ProjectSettings[Name] };

/** What a body sets. Absent fields stay, unknown and read-only ones are ignored, wrong ones are noted on `fields`. */
export function readSettings(fields: BodyFields): Changes {
  const changes: Changes = {};
  for (const name of ["description", "agent_custom_instructions", "memory_depth"] as const) {
    if (fields.has(name)) changes[name] = nullableText(fields, name);
  }
  if (fields.has("custom_instructions")) changes.custom_instructions = customInstructions(fields);
  if (fields.has("custom_categories")) changes.custom_categories = customCategories(fields);
  for (const name of ["multilingual", "decay", "enable_graph"] as const) {
    const value = fields.flag(name);
    if (value !== null) changes[name] = value;
  }
  const version = fields.text("version", { isRequired: false });
  if (version !== null) changes.version = version;
  // The SDKs send `usecase_setting`, a number too; that it reads back as `usecase` is inferred, that this is a text is Mem0 OpenAPI.
  const usecase = fields.raw("usecase_setting");
  if (typeof usecase === "string" || typeof usecase === "number") changes.usecase = String(usecase);
  return changes;
}

function nullableText(fields: BodyFields, name: string): string | null {
  const value = fields.raw(name);
  if (value === null || typeof value === "string") return value;
  return fields.fault(name, "Not a valid string.");
}

/** The OpenAPI file says a list of strings, the SDKs send and read one string: both are taken, one string is kept. */
function customInstructions(fields: BodyFields): string | null {
  const value = fields.raw("custom_instructions");
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value.join("\n");
  return nullableText(fields, "custom_instructions");
}

/** Objects `{name: description}`, or plain strings, which a project takes though adding memories does not. */
function customCategories(fields: BodyFields): readonly unknown[] | null {
  const value = fields.raw("custom_categories");
  if (value === null) return null;
  if (!Array.isArray(value)) {
    return fields.fault("custom_categories", `Expected a list of items but got type "${pythonType(value)}".`);
  }
  const wrong = value.find((item) => !["str", "dict"].includes(pythonType(item)));
  if (wrong === undefined) return value;
  return fields.fault(
    "custom_categories",
    `Expected a dictionary of items but got type "${pythonType(wrong)}".`,
  );
}

import type { ProjectSettings } from "../mem0/projects.ts";
import type { Place } from "../tenants/place.ts";

type Settings = Place["settings"];
type Category = NonNullable<Settings["customCategories"]>[number];

/** Settings of a place in the client's words. What is not given is not in it. */
export function settingsOnUpstream(settings: Settings): ProjectSettings {
  const { customInstructions, agentCustomInstructions, customCategories, multilingual, decay } = settings;
  return {
    ...(customInstructions === undefined ? {} : { customInstructions }),
    ...(agentCustomInstructions === undefined ? {} : { agentCustomInstructions }),
    ...(customCategories === undefined ? {} : { customCategories: categoriesOnUpstream(customCategories) }),
    ...(multilingual === undefined ? {} : { multilingual }),
    ...(decay === undefined ? {} : { decay }),
  };
}

/** Categories as Mem0 takes them: an object for each, from its name to its description (Mem0 OpenAPI). */
export function categoriesOnUpstream(categories: readonly Category[]): Record<string, string>[] {
  return categories.map(({ name, description }) => ({ [name]: description }));
}

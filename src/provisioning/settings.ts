import { updateProject } from "../mem0/projects.ts";
import { recordPresent } from "../tenants/mapping.ts";
import type { Place } from "../tenants/place.ts";
import type { SagaContext } from "./saga.ts";

/**
 * Sets a project's settings. All values are absolute, so a repeat sets the same again, and a lost answer is
 * simply asked for again.
 * @throws {Mem0Error}
 */
export async function setProjectSettings(
  context: SagaContext<unknown>,
  place: { readonly orgId: string; readonly projectId: string; readonly settings: Place["settings"] },
): Promise<void> {
  const { mem0, prisma } = context.provisioning;
  const { customInstructions, agentCustomInstructions, customCategories, multilingual, decay } =
    place.settings;
  await updateProject(mem0, place.orgId, place.projectId, {
    ...(customInstructions === undefined ? {} : { customInstructions }),
    ...(agentCustomInstructions === undefined ? {} : { agentCustomInstructions }),
    ...(customCategories === undefined
      ? {}
      : { customCategories: customCategories.map(({ name, description }) => ({ [name]: description })) }),
    ...(multilingual === undefined ? {} : { multilingual }),
    ...(decay === undefined ? {} : { decay }),
  });
  for (const { id } of context.resources("PROJECT_SETTINGS")) await recordPresent(prisma, id);
}

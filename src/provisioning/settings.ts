import { Mem0Error } from "../mem0/errors.ts";
import { updateProject } from "../mem0/projects.ts";
import type { Place } from "../tenants/place.ts";
import { recordAllPresent, recordUnanswered } from "../tenants/resources-without-id.ts";
import type { SagaContext } from "./saga.ts";
import { settingsOnUpstream } from "./settings-on-upstream.ts";

/**
 * Sets a project's settings. All values are absolute, so a repeat sets the same again, and a lost answer is
 * simply asked for again; until then the settings are UNKNOWN. That they are set and that the step is done, with the
 * answer `{}`, are one record.
 * @throws {Mem0Error}
 */
export async function setProjectSettings(
  context: SagaContext<unknown>,
  place: { readonly orgId: string; readonly projectId: string; readonly settings: Place["settings"] },
): Promise<void> {
  const { mem0, prisma } = context.provisioning;
  const rows = context.resources("PROJECT_SETTINGS");
  try {
    await updateProject(mem0, place.orgId, place.projectId, settingsOnUpstream(place.settings));
  } catch (error) {
    if (error instanceof Mem0Error && error.mayHaveHappened) {
      for (const { id } of rows) await recordUnanswered(prisma, id, error.message);
    }
    throw error;
  }
  const end = context.finish?.with({}) ?? null;
  const isEnded = await recordAllPresent(
    prisma,
    rows.map(({ id }) => id),
    end,
  );
  if (end !== null && isEnded) context.finish?.recorded(end);
}

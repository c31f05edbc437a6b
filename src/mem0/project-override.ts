import { InvalidArgument } from "./invalid-argument.ts";
import type { CallOptions } from "./request.ts";

/** Another project of the organization that the API key belongs to. */
export interface ProjectOverride {
  readonly orgId: string;
  readonly projectId: string;
}

/** What a memory call with a JSON body takes last. */
export interface MemoryCallOptions extends CallOptions {
  /**
   * Sends the call to another project than the one the key is bound to. Mem0 honours it in JSON bodies only, and
   * ignores it without a word in a query (Mem0 CONTRACT notes), so calls without a body do not take it.
   */
  readonly project?: ProjectOverride | null;
}

/**
 * The body with `org_id` and `project_id`, always both: one without the other is no override (Mem0 CONTRACT notes), and
 * the call would quietly land in the key's own project. Without an override the body is unchanged.
 *
 * @throws {InvalidArgument} when one of the two ids is blank.
 */
export function withOverride(
  body: Readonly<Record<string, unknown>>,
  options: MemoryCallOptions | undefined,
): Readonly<Record<string, unknown>> {
  const project = options?.project ?? null;
  if (project === null) return body;
  return {
    ...body,
    org_id: filledId("project.orgId", project.orgId),
    project_id: filledId("project.projectId", project.projectId),
  };
}

function filledId(argument: string, id: unknown): string {
  if (typeof id === "string" && id.trim() !== "") return id;
  throw new InvalidArgument(argument, "An override needs the organization's id and the project's.");
}

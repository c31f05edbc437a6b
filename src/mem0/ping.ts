import { z } from "zod";
import { mem0Path } from "./path.ts";
import type { CallOptions, Mem0 } from "./request.ts";
import { upstreamId } from "./wire-fields.ts";

/** What an API key is bound to on the server. */
export interface Ping {
  readonly orgId: string;
  readonly projectId: string;
  /** The account that the key belongs to. */
  readonly userEmail: string;
}

const pingAnswer: z.ZodType<Ping> = z
  .object({
    // Absent in some versions; when it is there, Mem0's own client demands "ok" (Mem0 TypeScript client).
    status: z.literal("ok").nullish(),
    org_id: upstreamId,
    project_id: upstreamId,
    user_email: z.string().min(1),
  })
  .transform((wire) => ({ orgId: wire.org_id, projectId: wire.project_id, userEmail: wire.user_email }));

/**
 * Checks the key, and says which organization, project and account it stands for: `GET /v1/ping/`. Not metered.
 *
 * @throws {Mem0Refused} 401 when the key is not valid.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function ping(mem0: Mem0, options?: CallOptions): Promise<Ping> {
  return mem0.send({ method: "GET", path: mem0Path("/v1/ping/", {}), answer: pingAnswer, options });
}

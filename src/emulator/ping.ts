import { json } from "./answer.ts";
import type { Resource } from "./resource.ts";

/** `GET /v1/ping/`: whose key it is, and what it is bound to (Mem0 OpenAPI). Never metered. */
export const pingResource: Resource = {
  routes: [
    {
      method: "GET",
      path: "/v1/ping/",
      handle: (_upstream, { caller }) =>
        json(200, {
          status: "ok",
          org_id: caller.orgId,
          project_id: caller.projectId,
          user_email: caller.user.email,
        }),
    },
  ],
  tables: [],
};

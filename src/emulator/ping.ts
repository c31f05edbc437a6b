import { json } from "./answer.ts";
import type { Resource } from "./resource.ts";
import type { Switches } from "./switches.ts";

/** `GET /v1/ping/`: whose key it is, and what it is bound to (Mem0 OpenAPI). Never metered. */
export const pingResource: Resource = {
  routes: [
    {
      method: "GET",
      path: "/v1/ping/",
      handle: ({ state }, { caller }) =>
        json(200, {
          status: "ok",
          org_id: caller.orgId,
          project_id: caller.projectId,
          user_email: emailOf(caller.user.email, state.switches),
        }),
    },
  ],
  tables: [],
};

function emailOf(email: string, { pingEmail }: Switches): string {
  switch (pingEmail) {
    case "registered":
      return email;
    case "lower-case":
      return email.toLowerCase();
    case "another":
      return `login.${email}`;
  }
}

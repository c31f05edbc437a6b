import { organizationMemberResource } from "./organization-members.ts";
import { organizationResource } from "./organizations.ts";
import { pingResource } from "./ping.ts";
import { projectMemberResource } from "./project-members.ts";
import { projectResource } from "./projects.ts";
import type { Resource } from "./resource.ts";
import { keys, users } from "./rows.ts";
import { webhookResource } from "./webhooks.ts";

/** People and keys have no routes: the real service has none to make them either, only the control plane does. */
const peopleResource: Resource = { routes: [], tables: [users, keys] };

/** Everything that is built. A new resource is one file with its routes and tables, and one line here. */
export const resources: readonly Resource[] = [
  peopleResource,
  pingResource,
  organizationResource,
  organizationMemberResource,
  projectResource,
  projectMemberResource,
  webhookResource,
];

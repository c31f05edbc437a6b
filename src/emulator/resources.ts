import { agentSignUpResource } from "./agent-sign-up.ts";
import { emailCodeResource } from "./email-codes.ts";
import { entityResource } from "./entities.ts";
import { entityCreateResource } from "./entity-create.ts";
import { eventResource } from "./events.ts";
import { exportResource } from "./exports.ts";
import { feedbackResource } from "./feedback.ts";
import { historyResource } from "./history.ts";
import { memoryResource } from "./memories.ts";
import { memoryAddResource } from "./memory-add.ts";
import { memoryBatchResource } from "./memory-batch.ts";
import { memoryLegacyAddResource } from "./memory-legacy-add.ts";
import { memoryLegacyListResource } from "./memory-legacy-list.ts";
import { memoryLegacySearchResource } from "./memory-legacy-search.ts";
import { memoryListResource } from "./memory-list.ts";
import { memorySearchResource } from "./memory-search.ts";
import { organizationMemberResource } from "./organization-members.ts";
import { organizationResource } from "./organizations.ts";
import { pingResource } from "./ping.ts";
import { profileJobResource } from "./profile-jobs.ts";
import { profileSettingsResource } from "./profile-settings.ts";
import { profileResource } from "./profiles.ts";
import { projectMemberResource } from "./project-members.ts";
import { projectResource } from "./projects.ts";
import { quotaResource } from "./quota.ts";
import type { Resource } from "./resource.ts";
import { keys, users } from "./rows.ts";
import { statsResource } from "./stats.ts";
import { summaryResource } from "./summary.ts";
import { webhookResource } from "./webhooks.ts";

/** People and keys have no routes: the real service has none to make them either, only the control plane does. */
const peopleResource: Resource = { routes: [], tables: [users, keys] };

/** Everything that is built. A new resource is one file with its routes and tables, and one line here. */
export const resources: readonly Resource[] = [
  peopleResource,
  pingResource,
  quotaResource,
  organizationResource,
  organizationMemberResource,
  projectResource,
  projectMemberResource,
  webhookResource,
  entityResource,
  entityCreateResource,
  eventResource,
  memoryAddResource,
  memoryBatchResource,
  memorySearchResource,
  memoryListResource,
  memoryLegacyAddResource,
  memoryLegacyListResource,
  memoryLegacySearchResource,
  historyResource,
  memoryResource,
  exportResource,
  feedbackResource,
  statsResource,
  summaryResource,
  profileResource,
  profileJobResource,
  profileSettingsResource,
  agentSignUpResource,
  emailCodeResource,
];

import type { Switches } from "../../src/emulator/switches.ts";

type NamedTest = readonly [file: string, title: string];

/** The tests that prove a switch: one sees what it does by default, the other turns it; or one does both. */
type Proof = { readonly inOne: NamedTest } | { readonly byDefault: NamedTest; readonly otherwise: NamedTest };

const switches = "switches.test.ts";
const membership = "switches-on-membership.test.ts";
const organizations = "organizations.test.ts";
const projects = "projects.test.ts";
const organizationMembers = "organization-members.test.ts";
const projectMembers = "project-members.test.ts";
const deliveries = "webhook-deliveries.test.ts";
const exports = "exports.test.ts";
const profiles = "profiles.test.ts";

/** Of the switches that are older than `bothWays`: where each is tested. New ones use `bothWays`. */
export const provedBy: { readonly [Name in keyof Switches]?: Proof } = {
  listLagMs: {
    byDefault: [
      organizations,
      "are listed as a bare array, newest first, the caller's default organization marked",
    ],
    otherwise: [switches, "listLagMs hides a new organization and project from lists, not from a look by id"],
  },
  deleteLagMs: {
    byDefault: [organizations, "are deleted with all that is in them, and a second delete is a 404"],
    otherwise: [switches, "deleteLagMs lets deleted things be read on, but not changed"],
  },
  listScopedToKey: {
    byDefault: [
      organizations,
      "are listed as a bare array, newest first, the caller's default organization marked",
    ],
    otherwise: [switches, "listScopedToKey narrows the organizations list to the key's own"],
  },
  equalNamesRefused: {
    byDefault: [organizations, "may have equal names and are new ones each time"],
    otherwise: [switches, "equalNamesRefused refuses a twin of what lives and of it alone"],
  },
  nameLengthMax: {
    byDefault: [organizations, "take 255 characters that are not bytes"],
    otherwise: [switches, "nameLengthMax bounds names"],
  },
  newOrganizationHasDefaultProject: {
    byDefault: [organizations, "come with a project named default-project"],
    otherwise: [switches, "newOrganizationHasDefaultProject makes new organizations empty when it is off"],
  },
  projectDescriptionKept: {
    byDefault: [projects, "show every field of the API's schema, and neither id nor org_id"],
    otherwise: [
      switches,
      "projectDescriptionKept drops the description at creation when it is off, and PATCH still sets it",
    ],
  },
  unknownOrganizationMember: {
    byDefault: [membership, "unknownOrganizationMember can answer %s"],
    otherwise: [membership, "unknownOrganizationMember can invite, and who registers then is a member"],
  },
  unknownProjectMember: {
    byDefault: [projectMembers, "must be registered: an unknown e-mail is a 404"],
    otherwise: [membership, "unknownProjectMember can answer %s"],
  },
  alreadyMember: {
    byDefault: [organizationMembers, "cannot be added twice"],
    otherwise: [membership, "alreadyMember can accept a second addition, with its role"],
  },
  projectMemberMustBeInOrganization: {
    byDefault: [projectMembers, "are added with 200, not 201, and listed by username without e-mail"],
    otherwise: [membership, "projectMemberMustBeInOrganization refuses who is not"],
  },
  organizationMemberRemovalCascades: {
    byDefault: [
      organizationMembers,
      "are removed by DELETE with a body, and leave the organization's projects too",
    ],
    otherwise: [membership, "organizationMemberRemovalCascades leaves project memberships when it is off"],
  },
  lastOwnerKept: {
    byDefault: [
      organizationMembers,
      "always have an OWNER among them: the last one can neither leave nor be demoted",
    ],
    otherwise: [membership, "lastOwnerKept lets the last OWNER go when it is off"],
  },
  ownerReadsOrgProjects: {
    byDefault: [projects, "are OWNER's business for every OWNER of the organization"],
    otherwise: [
      membership,
      "ownerReadsOrgProjects keeps an OWNER of the organization out of projects when it is off",
    ],
  },
  readerReadsOrgProjects: {
    byDefault: [
      projects,
      "do not exist for strangers, and a READER of the organization sees only those he was added to",
    ],
    otherwise: [membership, "readerReadsOrgProjects shows a READER of the organization every project"],
  },
  webhookUrlUnique: {
    byDefault: ["webhooks.test.ts", "have a URL that is unique in the project, and only there"],
    otherwise: [
      switches,
      "webhookUrlUnique allows equal URLs when it is off, and webhookUrlLengthMax bounds them",
    ],
  },
  projectDeleteRemovesWebhooks: {
    byDefault: [projects, "are deleted with their webhooks, and a second delete is a 404"],
    otherwise: [
      switches,
      "projectDeleteRemovesWebhooks leaves webhooks behind when it is off, and their OWNER can delete them",
    ],
  },
  organizationDeleteCascades: {
    byDefault: [organizations, "are deleted with all that is in them, and a second delete is a 404"],
    otherwise: [switches, "organizationDeleteCascades leaves projects and webhooks behind when it is off"],
  },
  projectFieldsNarrow: {
    inOne: [switches, "projectFieldsNarrow lets ?fields= narrow a project, which it otherwise does not"],
  },
  strictTrailingSlash: {
    byDefault: [
      "operations.test.ts",
      "without their last slash are never done: a 301 for reads, a 404 for the rest",
    ],
    otherwise: [switches, "strictTrailingSlash serves paths without their last slash when it is off"],
  },
  bearerAccepted: {
    byDefault: ["serve-upstream.test.ts", "takes the key that was given at the start, as Token or Bearer"],
    otherwise: [switches, "bearerAccepted refuses Bearer when it is off"],
  },
  dates: {
    inOne: [switches, "dates writes the same moment with an offset or with Z, in microseconds"],
  },
  addOutcome: {
    byDefault: ["memory-add.test.ts", "goes from PENDING over RUNNING to SUCCEEDED"],
    otherwise: ["memory-add.test.ts", "that fails says so in its event and stores nothing"],
  },
  categoriesDelayMs: {
    inOne: ["memory-categories.test.ts", "come with the memory, or later under the switch categoriesDelayMs"],
  },
  searchLagMs: {
    byDefault: [
      "memory-search.test.ts",
      "brings the best first, always the same, with scores between 0 and 1",
    ],
    otherwise: ["memory-search.test.ts", "lags behind lists under the switch searchLagMs"],
  },
  deleteAllDelayMs: {
    byDefault: [
      "memory-delete-all.test.ts",
      "takes what the query names, with the entity, behind an event; a user nobody knows is a 200 too",
    ],
    otherwise: [
      "memory-delete-all.test.ts",
      "leaves everything readable, and its event running, for deleteAllDelayMs",
    ],
  },
  deleteAllHeedsFirstIdOnly: {
    inOne: [
      "memory-delete-all.test.ts",
      "ANDs several ids, or heeds the first only, by the switch deleteAllHeedsFirstIdOnly",
    ],
  },
  notObjectAccepted: {
    inOne: ["filters.test.ts", "take NOT as an object, unless the switch notObjectAccepted is off"],
  },
  andDropsOr: {
    inOne: ["filters.test.ts", "drop an OR beside an AND unless the switch andDropsOr is off"],
  },
  metadataSize: {
    inOne: ["memory-add.test.ts", "for metadata by the length that the switch metadataSize says"],
  },
  listPagesMax: {
    inOne: ["memory-list.test.ts", "hands out a next that it then refuses, under the switch listPagesMax"],
  },
  everyCallMakesEvents: {
    inOne: [
      "events.test.ts",
      "come of adds, delete all and entity deletion; of everything under the switch everyCallMakesEvents",
    ],
  },
  quotaSearchMax: {
    byDefault: [
      "quota.test.ts",
      "does not touch adds, pings, reads by id or organizations, and 0 takes it away",
    ],
    otherwise: [
      "quota.test.ts",
      "lets search and list share one meter, and answers 429 with the end of the period when it is spent",
    ],
  },
  quotaAddMax: {
    inOne: ["quota.test.ts", "refuses adds alone, and nothing is stored"],
  },
  quotaScope: {
    inOne: ["quota.test.ts", "counts the calls of one $quotaScope together"],
  },
  throttlePerMinute: {
    byDefault: [
      "throttle.test.ts",
      "does not touch other keys, nor what has no key, nor anything when it is 0 or after a reset",
    ],
    otherwise: [
      "throttle.test.ts",
      "refuses with 429, Retry-After and the framework's words what comes too often, whatever it is",
    ],
  },
  mem0Notice: {
    byDefault: ["notice.test.ts", "leaves refusals alone, and everything when it is none"],
    otherwise: ["notice.test.ts", "puts the notice into an object, and into the first element of an array"],
  },
  exportDelayMs: {
    byDefault: [
      exports,
      "is ordered with 201, and fills the schema from the memories that match, newest first",
    ],
    otherwise: [exports, "is a 404 until exportDelayMs have passed"],
  },
  exportLifetimeMs: {
    inOne: [exports, "is gone when exportLifetimeMs have passed, seven days unless said otherwise"],
  },
  exportFiltersMustBeStructured: {
    inOne: [exports, "takes flat filters, unless exportFiltersMustBeStructured"],
  },
  feedbackUnknownMemory: {
    inOne: [
      "feedback.test.ts",
      "on an unknown memory, a deleted one and another project's is a 404, or a 500 by feedbackUnknownMemory",
    ],
  },
  existingEntity: {
    inOne: [
      "entity-create.test.ts",
      "made again is the same one with its new metadata, or refused: existingEntity",
    ],
  },
  profileOutcome: {
    byDefault: [profiles, "is generated by a job, by the project's schema, and counted"],
    otherwise: [profiles, "fails under profileOutcome=fail, and says why"],
  },
  profileJobsNeedEnabled: {
    inOne: [profiles, "where profiles are off is skipped, or the job refused: profileJobsNeedEnabled"],
  },
  agentSignUpsPerDay: {
    inOne: ["agent-sign-up.test.ts", "is refused beyond agentSignUpsPerDay with the framework's own 403"],
  },
  agentNotice: {
    inOne: [
      "agent-sign-up.test.ts",
      "finds the notice in its successes until it is claimed, where agentNotice says; nobody else does",
    ],
  },
  webhookTargets: {
    inOne: [deliveries, "on another machine is told nothing but under webhookTargets=any"],
  },
  webhookRetriesMax: {
    byDefault: [deliveries, "that is answered %s has failed, and is not tried again by default"],
    otherwise: [deliveries, "is tried again webhookRetriesMax times, until it is taken"],
  },
  webhookTimeoutMs: {
    byDefault: [
      deliveries,
      "is told of what it listens to, in the documented bodies, with the right media type",
    ],
    otherwise: [deliveries, "that nobody answers fails after webhookTimeoutMs"],
  },
  webhookCopies: {
    byDefault: [
      deliveries,
      "is told of what it listens to, in the documented bodies, with the right media type",
    ],
    otherwise: [deliveries, "is sent webhookCopies times"],
  },
  webhookDropEvery: {
    byDefault: [
      deliveries,
      "is told of what it listens to, in the documented bodies, with the right media type",
    ],
    otherwise: [deliveries, "of every webhookDropEvery is lost, and shown as such"],
  },
  webhookReorder: {
    byDefault: [
      deliveries,
      "is told of what it listens to, in the documented bodies, with the right media type",
    ],
    otherwise: [
      deliveries,
      "is overtaken by the next one under webhookReorder, and comes alone when none follows",
    ],
  },
  deleteAllNotifies: {
    inOne: [deliveries, "is told of what delete-all takes under deleteAllNotifies alone"],
  },
};

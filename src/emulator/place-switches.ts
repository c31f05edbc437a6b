import { dayMs, flag, oneOf, wholeNumber } from "./switch-kinds.ts";

/** Organizations and projects as things: made, named, listed, read, changed, deleted. The README says where each default comes from. */
export const placeSwitches = {
  /** A key acts for its person wherever he is a member, or only in its own organization; elsewhere it is a stranger. */
  keyReach: oneOf(["account", "organization"]),
  /** A created organization or project shows in lists only after this; by id it answers at once; milliseconds. */
  listLagMs: wholeNumber(0, 0, dayMs),
  /** A deleted organization, project or webhook is still read that long (by id and in lists); milliseconds. */
  deleteLagMs: wholeNumber(0, 0, dayMs),
  /** A new organization or project is a 404 by id for so long, for its OWNER too, though it is there; milliseconds. */
  ownerSees404Ms: wholeNumber(0, 0, dayMs),
  /** What a stranger is answered for an organization or project that is there. */
  strangerSees: oneOf(["404", "403"]),
  /** What a READER is answered who writes. */
  readerWrites: oneOf(["403", "404"]),
  /** The organizations list shows only the organization of the key. */
  listScopedToKey: flag(false),
  /** Lists of organizations, projects and webhooks: bare arrays, or pages `{count, next, previous, results}`. */
  adminLists: oneOf(["bare", "paged"]),
  /** So many at most in such a list: the size of a page, or where a bare array is cut off; 0 is all (pages: 100). */
  adminListMax: wholeNumber(0, 0, 1_000_000),
  /** The order of such lists, by `created_at`. */
  adminListOrder: oneOf(["newest", "oldest"]),
  /** A second organization (of one owner) or project (of one organization) of the same name is refused. */
  equalNamesRefused: flag(false),
  /** Longest name of an organization, project or webhook; characters (code points). */
  nameLengthMax: wholeNumber(255, 1, 100_000),
  /** What is kept of a name: all but the space around it, all of it, in lower case, or with ? for all beyond ASCII. */
  namesKept: oneOf(["trimmed", "as-sent", "lower-case", "ascii"]),
  /** Ids of organizations and projects: `org_…` and `proj_…`, or UUIDs. */
  placeIds: oneOf(["prefixed", "uuid"]),
  /** The clock of `created_at` goes so far ahead of the `Date` header (or behind); milliseconds. */
  createdAtSkewMs: wholeNumber(0, -dayMs, dayMs),
  /** Organizations a person can own before making one more is a 403; 0 is no bound. */
  organizationsMax: wholeNumber(0, 0, 1_000_000),
  /** A new organization comes with a project named `default-project`. */
  newOrganizationHasDefaultProject: flag(true),
  /** How that project can be told: by its name and `is_default`, by one of them, or not. */
  defaultProjectMarks: oneOf(["both", "name", "is_default", "neither"]),
  /** Who is a member of that project at first: the OWNERs of the organization, or nobody. */
  defaultProjectMembers: oneOf(["owners", "none"]),
  /** A person's default organization and default projects can be deleted; otherwise 400. */
  defaultsCanBeDeleted: flag(true),
  /** An organization that holds other projects than `default-project` can be deleted; otherwise 400. */
  fullOrganizationCanBeDeleted: flag(true),
  /** PATCH of an organization with a name renames it; otherwise there is no PATCH. */
  organizationsCanBeRenamed: flag(false),
  /** Objects of organizations and projects say what the caller is there: `user_role`, and `is_owner`. */
  ownRoleShown: flag(true),
  /** A project keeps the `description` it was created with; otherwise only PATCH sets it. */
  projectDescriptionKept: flag(true),
  /** Project objects name their organization in `org_id`. */
  projectShowsOrgId: flag(false),
  /** `custom_instructions` of a project read back as one text, or as a list of its lines. */
  instructionsShownAs: oneOf(["text", "list"]),
  /** `custom_categories` of a project read back as they were sent, or as their names alone. */
  categoriesShownAs: oneOf(["as-sent", "names"]),
  /** `usecase_setting` of a project reads back as `usecase`. */
  usecaseReadsBack: flag(true),
  /** A PATCH of a project that sets nothing succeeds; otherwise 400. */
  emptyProjectPatch: oneOf(["accept", "refuse"]),
  /** The body of the 400 for wrong settings of a project. */
  projectPatchRefusal: oneOf(["fields", "errors", "message"]),
  /** `?fields=a&fields=b` on a project's GET narrows the object; otherwise it has no effect. */
  projectFieldsNarrow: flag(false),
  /** What a key answers with whose project or organization was deleted. */
  deletedPlaceKey: oneOf(["401", "403"]),
  /** Deleting a project deletes its webhooks. */
  projectDeleteRemovesWebhooks: flag(true),
  /** Deleting an organization deletes its projects (and, by the switch above, their webhooks). */
  organizationDeleteCascades: flag(true),
};

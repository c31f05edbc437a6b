import type { Switches } from "../../src/emulator/switches.ts";

/** A switch turned against a belief, and exactly the beliefs that must be refuted then. */
export interface Turned {
  readonly switches: Partial<Switches>;
  /** Beliefs by number. None: both ways of the switch fit the belief, and the check must not be taken in. */
  readonly refutes: readonly string[];
  /** Needs what only --long does; tried with the beliefs about long lists only. */
  readonly isLong?: boolean;
  /** It stands in the way of other checks, so that nothing else can be tried with it. */
  readonly isAlone?: boolean;
}

/** The settle delay and the bound for deletions in these tests; a lag is longer. */
export const boundMs = 250;
const lagMs = 500;

/** Every switch that an entry of docs/unproved.md names must be here; more may. */
export const turned: readonly Turned[] = [
  { switches: { keyReach: "organization" }, refutes: ["1"], isAlone: true },
  { switches: { creatorIs: "READER" }, refutes: ["1", "2"], isAlone: true },
  // Nobody is shown what he made: that looks as if the key did not reach it.
  { switches: { creatorIs: "nobody" }, refutes: ["1"], isAlone: true },
  { switches: { ownRoleShown: false }, refutes: ["2"] },
  { switches: { ownerReadsOrgProjects: false }, refutes: ["3"] },
  { switches: { pingEmail: "another" }, refutes: ["4"], isAlone: true },
  { switches: { pingEmail: "lower-case" }, refutes: [] },
  { switches: { embeddedMembers: "without-email" }, refutes: ["4", "20"] },
  { switches: { embeddedMembers: "owners-only" }, refutes: ["20"] },
  { switches: { embeddedMembers: "absent" }, refutes: ["4", "20"] },
  { switches: { listScopedToKey: true }, refutes: ["5"], isAlone: true },
  { switches: { adminLists: "paged" }, refutes: ["7"] },
  // What is cut off is the oldest, and with it what the list had shown.
  { switches: { adminListMax: 50 }, refutes: ["6", "7"], isLong: true },
  { switches: { listLagMs: lagMs }, refutes: ["8"] },
  { switches: { createdAtSkewMs: 60_000 }, refutes: ["9"] },
  { switches: { createdAtSkewMs: -60_000 }, refutes: ["9"] },
  { switches: { dates: "utc" }, refutes: [] },
  { switches: { equalNamesRefused: true }, refutes: ["10"] },
  { switches: { nameLengthMax: 100 }, refutes: ["11"] },
  { switches: { namesKept: "lower-case" }, refutes: ["12"] },
  { switches: { namesKept: "ascii" }, refutes: ["12"] },
  { switches: { namesKept: "as-sent" }, refutes: [] },
  { switches: { projectDescriptionKept: false }, refutes: ["13"] },
  { switches: { newOrganizationHasDefaultProject: false }, refutes: ["14"] },
  { switches: { defaultProjectMarks: "neither" }, refutes: ["14"] },
  { switches: { defaultProjectMarks: "name" }, refutes: [] },
  { switches: { organizationsMax: 40 }, refutes: ["17"], isLong: true, isAlone: true },
  { switches: { unknownOrganizationMember: "invite" }, refutes: [] },
  { switches: { unknownOrganizationMember: "message-404" }, refutes: [] },
  { switches: { alreadyMember: "accept" }, refutes: [] },
  { switches: { projectMemberMustBeInOrganization: true }, refutes: [] },
  { switches: { readerReadsOrgProjects: true }, refutes: ["22"], isAlone: true },
  { switches: { instructionsShownAs: "list" }, refutes: ["23"] },
  { switches: { categoriesShownAs: "names" }, refutes: ["23"] },
  { switches: { webhookUrlUnique: false }, refutes: ["24"] },
  { switches: { webhookUrlKept: "normalised" }, refutes: ["25"] },
  { switches: { webhookListLagMs: lagMs }, refutes: ["26"] },
  { switches: { organizationDeleteCascades: false }, refutes: ["27"] },
  { switches: { fullOrganizationCanBeDeleted: false }, refutes: ["27"] },
  { switches: { projectDeleteRemovesWebhooks: false }, refutes: ["28"] },
  { switches: { deleteLagMs: lagMs }, refutes: ["29"] },
  { switches: { ownerSees404Ms: 100 }, refutes: ["30"], isAlone: true },
  { switches: { strangerSees: "403" }, refutes: [] },
  { switches: { bearerAccepted: false }, refutes: [] },
  { switches: { strictTrailingSlash: false }, refutes: ["33"] },
  // A write without the slash is not tried: it could make something.
  { switches: { slashlessWrite: "301" }, refutes: [] },
  { switches: { placeIds: "uuid" }, refutes: [] },
  { switches: { webhookIds: "number" }, refutes: [] },
  { switches: { organizationsCanBeRenamed: true }, refutes: ["35"] },
  { switches: { foreignMemories: "reachable" }, refutes: ["36"] },
  { switches: { bodyOverride: "ignored" }, refutes: ["37"], isAlone: true },
  { switches: { overrideEvents: "key-project" }, refutes: ["38"] },
  // Not looked at: it would cost a quota.
  { switches: { quotaScope: "project" }, refutes: [] },
  { switches: { feedbackUnknownMemory: "500" }, refutes: ["40"] },
  { switches: { exportFiltersMustBeStructured: true }, refutes: [] },
  { switches: { entityList: "bare" }, refutes: ["43"] },
  { switches: { entityPageSizeMax: 50 }, refutes: ["43"], isLong: true },
  { switches: { historyPageSizeMax: 50 }, refutes: ["43"], isLong: true },
  { switches: { metadataUpdate: "merge" }, refutes: ["44"] },
  { switches: { historyOrder: "newest" }, refutes: ["45"] },
  { switches: { unknownHistory: "404" }, refutes: ["45"] },
];

/** Rows that can be tried in one run: no switch and no belief of one is another's too. */
export function batchesOf(rows: readonly Turned[]): readonly (readonly Turned[])[] {
  const batches: Turned[][] = [];
  for (const row of rows) {
    const fits = batches.find((batch) => batch.every((other) => areApart(row, other)));
    if (fits === undefined) batches.push([row]);
    else fits.push(row);
  }
  return batches;
}

function areApart(row: Turned, other: Turned): boolean {
  if (row.isAlone === true || other.isAlone === true || row.isLong !== other.isLong) return false;
  const names = new Set(Object.keys(other.switches));
  return (
    !Object.keys(row.switches).some((name) => names.has(name)) &&
    !row.refutes.some((belief) => other.refutes.includes(belief))
  );
}

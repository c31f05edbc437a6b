import type { DateStyle } from "./clock.ts";
import { type NoticePlace, noticePlaces } from "./notice.ts";

/** What nobody knows about the real service, or what a test wants otherwise. The README says where each default comes from. */
export interface Switches {
  /** Added to every answer, after the deed; milliseconds. */
  readonly latencyMs: number;
  /** A created organization or project shows in lists only after this; by id it answers at once; milliseconds. */
  readonly listLagMs: number;
  /** A deleted organization, project or webhook is still read that long (by id and in lists); milliseconds. */
  readonly deleteLagMs: number;
  /** The organizations list shows only the organization of the key. */
  readonly listScopedToKey: boolean;
  /** A second organization (of one owner) or project (of one organization) of the same name is refused. */
  readonly equalNamesRefused: boolean;
  /** Longest name of an organization, project or webhook; characters (code points). */
  readonly nameLengthMax: number;
  /** A new organization comes with a project named `default-project`. */
  readonly newOrganizationHasDefaultProject: boolean;
  /** A project keeps the `description` it was created with; otherwise only PATCH sets it. */
  readonly projectDescriptionKept: boolean;
  /** What adding an unregistered e-mail to an organization answers. */
  readonly unknownOrganizationMember: "errors-400" | "message-400" | "message-404" | "invite";
  /** What adding an unregistered e-mail to a project answers. */
  readonly unknownProjectMember: "message-404" | "message-400" | "errors-400";
  /** Adding somebody who is a member already: refused with 400, or done again with the new role. */
  readonly alreadyMember: "refuse" | "accept";
  /** Only members of the organization can be added to its projects. */
  readonly projectMemberMustBeInOrganization: boolean;
  /** Who is removed from an organization leaves its projects too. */
  readonly organizationMemberRemovalCascades: boolean;
  /** The last OWNER cannot be removed or demoted. */
  readonly lastOwnerKept: boolean;
  /** An OWNER of the organization is an OWNER of every project in it. */
  readonly ownerReadsOrgProjects: boolean;
  /** A READER of the organization reads every project in it, not only those he was added to. */
  readonly readerReadsOrgProjects: boolean;
  /** A webhook's URL is unique in its project. */
  readonly webhookUrlUnique: boolean;
  /** Longest URL of a webhook; characters. */
  readonly webhookUrlLengthMax: number;
  /** Deleting a project deletes its webhooks. */
  readonly projectDeleteRemovesWebhooks: boolean;
  /** Deleting an organization deletes its projects (and, by the switch above, their webhooks). */
  readonly organizationDeleteCascades: boolean;
  /** `?fields=a&fields=b` on a project's GET narrows the object; otherwise it has no effect. */
  readonly projectFieldsNarrow: boolean;
  /** An add that extracts completes, and shows its memories, only after this; milliseconds. */
  readonly addDelayMs: number;
  /** How an add that extracts ends. */
  readonly addOutcome: "succeed" | "fail";
  /** Categories show only this long after their memory; milliseconds. */
  readonly categoriesDelayMs: number;
  /** A search finds a memory only this long after lists show it; milliseconds. */
  readonly searchLagMs: number;
  /** What delete-all and an entity's deletion take away is still read that long, and their events run; milliseconds. */
  readonly deleteAllDelayMs: number;
  /** Delete-all heeds only the first of several ids, in the order user, agent, app, run. */
  readonly deleteAllHeedsFirstIdOnly: boolean;
  /** A filter's `NOT` may be an object; otherwise only a list. */
  readonly notObjectAccepted: boolean;
  /** Of a filter with `AND` and `OR` side by side the `OR` is dropped. */
  readonly andDropsOr: boolean;
  /** How the length of metadata counts: as JSON without spaces, or as Python writes it (spaces, ASCII escapes). */
  readonly metadataSize: "compact" | "python";
  /** A page of memories beyond this one is a 400, although `next` leads there; 0 for no such end. */
  readonly listPagesMax: number;
  /** Reads, updates and single deletes make events too. */
  readonly everyCallMakesEvents: boolean;
  /** A path without its last slash answers 301 or 404; otherwise it is served. */
  readonly strictTrailingSlash: boolean;
  /** `Authorization: Bearer <key>` is taken like `Token <key>`. */
  readonly bearerAccepted: boolean;
  /** How dates are written. */
  readonly dates: DateStyle;
  /** SEARCH calls (search and get_all together) in a billing period before 429; 0 is no bound. */
  readonly quotaSearchMax: number;
  /** ADD calls in a billing period before 429; 0 is no bound. */
  readonly quotaAddMax: number;
  /** Who pays, and so whose calls are counted together: the person of the key, its organization, or its project. */
  readonly quotaScope: "person" | "organization" | "project";
  /** Requests of one key in any minute before 429; 0 is no bound. */
  readonly throttlePerMinute: number;
  /** Where successful answers carry the notice to unclaimed agent accounts. */
  readonly mem0Notice: NoticePlace;
  /** How long after its order an export is ready; milliseconds. */
  readonly exportDelayMs: number;
  /** How long an export can be fetched once it is ready; milliseconds. */
  readonly exportLifetimeMs: number;
  /** Exports refuse flat filters, `{"user_id": "u"}`; otherwise they mean the same as `{"AND": [{"user_id": "u"}]}`. */
  readonly exportFiltersMustBeStructured: boolean;
  /** The status of feedback on a memory that is unknown or another project's. */
  readonly feedbackUnknownMemory: "404" | "500";
  /** Making an entity that exists already: the same one again with its new metadata, or 400. */
  readonly existingEntity: "accept" | "refuse";
  /** How long a profile job takes; milliseconds. */
  readonly profileDelayMs: number;
  /** How the generations of profiles end. */
  readonly profileOutcome: "succeed" | "fail";
  /** A profile job is refused where profiles are not enabled; otherwise it skips everybody. */
  readonly profileJobsNeedEnabled: boolean;
  /** Accounts that agents can make for themselves in a day (UTC) before 403; 0 is no bound. */
  readonly agentSignUpsPerDay: number;
  /** Where successful answers to unclaimed accounts of agents carry the notice. */
  readonly agentNotice: NoticePlace;
  /** Where webhooks are delivered to: only to this machine, or to every http(s) URL. */
  readonly webhookTargets: "loopback" | "any";
  /** How long a webhook's receiver may take to answer; milliseconds. */
  readonly webhookTimeoutMs: number;
  /** How often a delivery that failed is tried again. */
  readonly webhookRetriesMax: number;
  /** How long after a failure; milliseconds. */
  readonly webhookRetryDelayMs: number;
  /** How often each delivery is sent. */
  readonly webhookCopies: number;
  /** Every so many deliveries one is never sent; 0 is none. */
  readonly webhookDropEvery: number;
  /** Of two deliveries of a webhook the later one goes first. */
  readonly webhookReorder: boolean;
  /** Delete-all and an entity's deletion tell of every memory they take. */
  readonly deleteAllNotifies: boolean;
}

/** A switch that does not exist or cannot have that value. `field` names it. */
export class SwitchRefused extends Error {
  override readonly name = "SwitchRefused";
  readonly field: string;

  constructor(field: string, reason: string) {
    super(`Switch "${field}" ${reason}.`);
    this.field = field;
  }
}

interface Definition<Value> {
  readonly initial: Value;
  readonly allowed: string;
  parse(value: unknown): Value | undefined;
}

const dayMs = 86_400_000;

const definitions: { readonly [Name in keyof Switches]: Definition<Switches[Name]> } = {
  latencyMs: wholeNumber(0, 0, dayMs),
  listLagMs: wholeNumber(0, 0, dayMs),
  deleteLagMs: wholeNumber(0, 0, dayMs),
  listScopedToKey: flag(false),
  equalNamesRefused: flag(false),
  nameLengthMax: wholeNumber(255, 1, 100_000),
  newOrganizationHasDefaultProject: flag(true),
  projectDescriptionKept: flag(true),
  unknownOrganizationMember: oneOf(["errors-400", "message-400", "message-404", "invite"]),
  unknownProjectMember: oneOf(["message-404", "message-400", "errors-400"]),
  alreadyMember: oneOf(["refuse", "accept"]),
  projectMemberMustBeInOrganization: flag(false),
  organizationMemberRemovalCascades: flag(true),
  lastOwnerKept: flag(true),
  ownerReadsOrgProjects: flag(true),
  readerReadsOrgProjects: flag(false),
  webhookUrlUnique: flag(true),
  webhookUrlLengthMax: wholeNumber(2000, 1, 100_000),
  projectDeleteRemovesWebhooks: flag(true),
  organizationDeleteCascades: flag(true),
  projectFieldsNarrow: flag(false),
  addDelayMs: wholeNumber(20, 0, dayMs),
  addOutcome: oneOf(["succeed", "fail"]),
  categoriesDelayMs: wholeNumber(0, 0, dayMs),
  searchLagMs: wholeNumber(0, 0, dayMs),
  deleteAllDelayMs: wholeNumber(0, 0, dayMs),
  deleteAllHeedsFirstIdOnly: flag(false),
  notObjectAccepted: flag(false),
  andDropsOr: flag(true),
  metadataSize: oneOf(["compact", "python"]),
  listPagesMax: wholeNumber(0, 0, 1_000_000),
  everyCallMakesEvents: flag(false),
  strictTrailingSlash: flag(true),
  bearerAccepted: flag(true),
  dates: oneOf(["pacific", "utc"]),
  quotaSearchMax: wholeNumber(0, 0, 1_000_000_000),
  quotaAddMax: wholeNumber(0, 0, 1_000_000_000),
  quotaScope: oneOf(["person", "organization", "project"]),
  throttlePerMinute: wholeNumber(0, 0, 100_000),
  mem0Notice: oneOf(noticePlaces),
  exportDelayMs: wholeNumber(0, 0, dayMs),
  exportLifetimeMs: wholeNumber(7 * dayMs, 0, 365 * dayMs),
  exportFiltersMustBeStructured: flag(false),
  feedbackUnknownMemory: oneOf(["404", "500"]),
  existingEntity: oneOf(["accept", "refuse"]),
  profileDelayMs: wholeNumber(20, 0, dayMs),
  profileOutcome: oneOf(["succeed", "fail"]),
  profileJobsNeedEnabled: flag(false),
  agentSignUpsPerDay: wholeNumber(5, 0, 1_000_000),
  agentNotice: oneOf(["both", "none", "body", "header"]),
  webhookTargets: oneOf(["loopback", "any"]),
  webhookTimeoutMs: wholeNumber(10_000, 1, 600_000),
  webhookRetriesMax: wholeNumber(0, 0, 100),
  webhookRetryDelayMs: wholeNumber(1000, 0, dayMs),
  webhookCopies: wholeNumber(1, 1, 10),
  webhookDropEvery: wholeNumber(0, 0, 1_000_000),
  webhookReorder: flag(false),
  deleteAllNotifies: flag(false),
};

/** Every switch at its default. */
export const defaultSwitches: Switches = initialSwitches();

/**
 * Reads switches from JSON.
 * @throws {SwitchRefused} at the first that does not exist or has a value of the wrong kind.
 */
export function readSwitches(value: Readonly<Record<string, unknown>>): Partial<Switches> {
  for (const [name, given] of Object.entries(value)) {
    const definition = definitionOf(name);
    if (definition === undefined) throw new SwitchRefused(name, "does not exist");
    if (definition.parse(given) === undefined) throw new SwitchRefused(name, `must be ${definition.allowed}`);
  }
  // Every entry has just passed the parse of the switch it names.
  return value as Partial<Switches>;
}

/**
 * Reads one switch written as `name=value`, as the command line has it.
 * @throws {SwitchRefused} as `readSwitches` does.
 */
export function readSwitchText(text: string): Partial<Switches> {
  const [name = "", ...rest] = text.split("=");
  const written = rest.join("=");
  const isText = typeof definitionOf(name)?.initial === "string";
  return readSwitches({ [name]: isText ? written : parseJson(written) });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function definitionOf(name: string): Definition<unknown> | undefined {
  const known: Readonly<Record<string, Definition<unknown>>> = definitions;
  return Object.hasOwn(known, name) ? known[name] : undefined;
}

function initialSwitches(): Switches {
  const entries = Object.entries(definitions).map(([name, definition]) => [name, definition.initial]);
  // The definitions' type has exactly the names of the switches, each with its own kind of value.
  return Object.fromEntries(entries) as Switches;
}

function flag(initial: boolean): Definition<boolean> {
  return {
    initial,
    allowed: "true or false",
    parse: (value) => (typeof value === "boolean" ? value : undefined),
  };
}

function wholeNumber(initial: number, min: number, max: number): Definition<number> {
  return {
    initial,
    allowed: `a whole number from ${min} to ${max}`,
    parse: (value) =>
      typeof value === "number" && Number.isInteger(value) && value >= min && value <= max
        ? value
        : undefined,
  };
}

/** The first of the values is the default. */
function oneOf<const Value extends string>(values: readonly [Value, ...Value[]]): Definition<Value> {
  return {
    initial: values[0],
    allowed: `one of ${values.join(", ")}`,
    parse: (value) => values.find((allowed) => allowed === value),
  };
}

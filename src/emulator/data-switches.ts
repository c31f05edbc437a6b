import { noticePlaces } from "./notice.ts";
import { dayMs, flag, oneOf, wholeNumber } from "./switch-kinds.ts";

/** Memories and all that hangs on them, quotas, and accounts of agents. The README says where each default comes from. */
export const dataSwitches = {
  /** An add that extracts completes, and shows its memories, only after this; milliseconds. */
  addDelayMs: wholeNumber(20, 0, dayMs),
  /** How an add that extracts ends. */
  addOutcome: oneOf(["succeed", "fail"]),
  /** Categories show only this long after their memory; milliseconds. */
  categoriesDelayMs: wholeNumber(0, 0, dayMs),
  /** A search finds a memory only this long after lists show it; milliseconds. */
  searchLagMs: wholeNumber(0, 0, dayMs),
  /** What delete-all and an entity's deletion take away is still read that long, and their events run; milliseconds. */
  deleteAllDelayMs: wholeNumber(0, 0, dayMs),
  /** Delete-all heeds only the first of several ids, in the order user, agent, app, run. */
  deleteAllHeedsFirstIdOnly: flag(false),
  /** A filter's `NOT` may be an object; otherwise only a list. */
  notObjectAccepted: flag(true),
  /** Of a filter with `AND` and `OR` side by side the `OR` is dropped. */
  andDropsOr: flag(true),
  /** How the length of metadata counts: as JSON without spaces, or as Python writes it (spaces, ASCII escapes). */
  metadataSize: oneOf(["compact", "python"]),
  /** A page of memories beyond this one is a 400, although `next` leads there; 0 for no such end. */
  listPagesMax: wholeNumber(0, 0, 1_000_000),
  /** Reads, updates and single deletes make events too. */
  everyCallMakesEvents: flag(false),
  /** SEARCH calls (search and get_all together) in a billing period before 429; 0 is no bound. */
  quotaSearchMax: wholeNumber(0, 0, 1_000_000_000),
  /** ADD calls in a billing period before 429; 0 is no bound. */
  quotaAddMax: wholeNumber(0, 0, 1_000_000_000),
  /** Who pays, and so whose calls are counted together: the person of the key, its organization, or its project. */
  quotaScope: oneOf(["person", "organization", "project"]),
  /** Requests of one key in any minute before 429; 0 is no bound. */
  throttlePerMinute: wholeNumber(0, 0, 100_000),
  /** Where successful answers carry the notice to unclaimed agent accounts. */
  mem0Notice: oneOf(noticePlaces),
  /** How long after its order an export is ready; milliseconds. */
  exportDelayMs: wholeNumber(0, 0, dayMs),
  /** How long an export can be fetched once it is ready; milliseconds. */
  exportLifetimeMs: wholeNumber(7 * dayMs, 0, 365 * dayMs),
  /** Exports refuse flat filters, `{"user_id": "u"}`; otherwise they mean the same as `{"AND": [{"user_id": "u"}]}`. */
  exportFiltersMustBeStructured: flag(false),
  /** The status of feedback on a memory that is unknown or another project's. */
  feedbackUnknownMemory: oneOf(["404", "500"]),
  /** Making an entity that exists already: the same one again with its new metadata, or 400. */
  existingEntity: oneOf(["accept", "refuse"]),
  /** How long a profile job takes; milliseconds. */
  profileDelayMs: wholeNumber(20, 0, dayMs),
  /** How the generations of profiles end. */
  profileOutcome: oneOf(["succeed", "fail"]),
  /** A profile job is refused where profiles are not enabled; otherwise it skips everybody. */
  profileJobsNeedEnabled: flag(false),
  /** The pair `org_id` and `project_id` in the body leads a call to that project, or has no effect. */
  bodyOverride: oneOf(["honoured", "ignored"]),
  /** Whose the event is of a call that was led elsewhere: of the project it worked in, or of the key's. */
  overrideEvents: oneOf(["named-project", "key-project"]),
  /** A memory of another project, by its id: as absent as an unknown one, or read and changed by whoever has a role there. */
  foreignMemories: oneOf(["hidden", "reachable"]),
  /** A READER's writes to memories are refused, and a body leads only where its person has a role. */
  memoryRolesAsked: flag(false),
  /** Given metadata takes the place of the old, or is put over it key by key. */
  metadataUpdate: oneOf(["replace", "merge"]),
  /** An update of nothing: 400, or the memory as it is. */
  emptyUpdate: oneOf(["refuse", "accept"]),
  /** The status of an update of an immutable memory. */
  immutableUpdate: oneOf(["400", "403"]),
  /** An update answers the memory, or a list of it. */
  updateAnswer: oneOf(["object", "list"]),
  /** Which entry of a memory's history comes first. */
  historyOrder: oneOf(["oldest", "newest"]),
  /** The history of a memory nobody knows: an empty list, or 404. */
  unknownHistory: oneOf(["empty", "404"]),
  /** The history of a deleted memory is still read. */
  historyOutlivesMemory: flag(true),
  /** A message without words: the add is refused, or done without that message. */
  blankContent: oneOf(["refuse", "skip"]),
  /** Structured content in an import: the add is refused, or done without that message. */
  structuredImport: oneOf(["refuse", "skip"]),
  /** An add reads ids in `filters` where they are not beside it. */
  addHeedsFilters: flag(false),
  /** An add that extracts answers a `message` too, as version 1 does. */
  addAnswerHasMessage: flag(false),
  /** An expiration date that is none: refused, or kept and never due. */
  malformedExpirationDate: oneOf(["refuse", "keep"]),
  /** How many messages of a user it takes until a profile is generated by itself, and anew each time; 0 is never. */
  profileAutoMessages: wholeNumber(5, 0, 1_000_000),
  /** A batch is done whole or not at all; otherwise what cannot be done of it is passed over. */
  batchIsWhole: flag(true),
  /** Ids in a batch that nobody knows are passed over, or the batch is a 404. */
  batchUnknownIds: oneOf(["skip", "refuse"]),
  /** Delete-all without a filter: 400, or everything goes. */
  deleteAllWithoutFilter: oneOf(["refuse", "everything"]),
  /** Delete-all and an entity's deletion answer 204 and nothing, as old docs have it. */
  deletesAnswer204: flag(false),
  /** When an entity goes that has no memory left: when delete-all named it, with its last memory however that goes, or never. */
  emptiedEntity: oneOf(["goes-with-delete-all", "always-goes", "stays"]),
  /** What the run is called in a search's results. */
  searchRunName: oneOf(["run_id", "session_id"]),
  /** Entities, events, the history of a project and the memories of an entity are listed that end first. */
  listsBegin: oneOf(["newest", "oldest"]),
  /** Ids that a filter does not mention: not constrained, or null. */
  unmentionedIds: oneOf(["free", "null"]),
  /** Filters that name no real id, only wildcards or what they exclude: 400, or taken. */
  wildcardOnlyFilters: oneOf(["refuse", "accept"]),
  /** `NOT` excludes what passes any of its filters, or only what passes all. */
  notExcludes: oneOf(["any", "all"]),
  /** An empty `AND` or `OR` constrains nothing, lets nothing pass, or is a 400. */
  emptyLogic: oneOf(["everything", "nothing", "refuse"]),
  /** The zone of a filter's date that names none. */
  naiveDates: oneOf(["utc", "pacific"]),
  /** Where a day ends as an upper bound (`lte`) of a filter: at its beginning, or with the day. */
  dateUpperBound: oneOf(["midnight", "day-end"]),
  /** What `timestamp` in a filter names. */
  timestampFilter: oneOf(["created_at", "updated_at"]),
  /** Whether `contains` heeds capitals: as each field does, always, or never. */
  containsCase: oneOf(["per-field", "sensitive", "insensitive"]),
  /** `categories` takes `eq` and `ne` too. */
  categoriesEquality: flag(false),
  /** Most entities on a page. */
  entityPageSizeMax: wholeNumber(200, 1, 100_000),
  /** Most entries of a project's history on a page. */
  historyPageSizeMax: wholeNumber(1000, 1, 100_000),
  /** The list of entities is a page, or a bare array as on older servers. */
  entityList: oneOf(["page", "bare"]),
  /** Getting an entity nobody knows: an empty list, or 404. */
  unknownEntity: oneOf(["empty", "404"]),
  /** How long events are kept; milliseconds. */
  eventRetentionMs: wholeNumber(30 * dayMs, 0, 365 * dayMs),
  /** Events on a page. */
  eventPageSize: wholeNumber(100, 1, 10_000),
  /** The address of the next page of events: a path, or whole. */
  eventNext: oneOf(["relative", "absolute"]),
  /** The status of an event that is being worked on. */
  eventAtWork: oneOf(["RUNNING", "PROCESSING"]),
  /** An export by filters: the newest order with the same ones, the newest of these that is ready, or only of the very same words. */
  exportByFilters: oneOf(["newest", "newest-ready", "same-words"]),
  /** Feedback given again changes what was said before, or is a second one with an id of its own. */
  feedbackPerMemory: oneOf(["one", "many"]),
  /** The profile of a user nobody knows: 404, or one with too little to say. */
  unknownUserProfile: oneOf(["404", "insufficient_data"]),
  /** The status of a profile that was never generated. */
  profileNotGenerated: oneOf(["insufficient_data", "pending"]),
  /** What the statistics count. */
  statsOf: oneOf(["project", "organization"]),
  /** Accounts that agents can make for themselves in a day (UTC) before 403; 0 is no bound. */
  agentSignUpsPerDay: wholeNumber(5, 0, 1_000_000),
  /** Where successful answers to unclaimed accounts of agents carry the notice. */
  agentNotice: oneOf(["both", "none", "body", "header"]),
};

import { dayMs, flag, oneOf, wholeNumber } from "./switch-kinds.ts";

/** Webhooks: how they are made and read, and what they are told. The README says where each default comes from. */
export const webhookSwitches = {
  /** A webhook's URL is unique in its project. */
  webhookUrlUnique: flag(true),
  /** Longest URL of a webhook; characters. */
  webhookUrlLengthMax: wholeNumber(2000, 1, 100_000),
  /** What is kept of a webhook's URL: what was sent, or as browsers write it: host in lower case, a path, no default port. */
  webhookUrlKept: oneOf(["as-sent", "normalised"]),
  /** A webhook's URL must begin with `https:`. */
  webhookUrlMustBeHttps: flag(false),
  /** Ids of webhooks: texts, or whole numbers. */
  webhookIds: oneOf(["text", "number"]),
  /** A created webhook shows in its project's list only after this; milliseconds. */
  webhookListLagMs: wholeNumber(0, 0, dayMs),
  /** A webhook can be read by its id; otherwise 405. */
  webhookReadById: flag(false),
  /** PUT of a webhook heeds `is_active`; otherwise that is ignored. */
  webhookPutPauses: flag(false),
  /** A webhook may listen to nothing; otherwise 400. */
  webhookMayListenToNothing: flag(true),
  /** What a stranger is answered for webhooks that are there. */
  webhookStrangerSees: oneOf(["403", "404"]),
  /** What the webhooks of an unknown project are. */
  webhooksOfUnknownProject: oneOf(["403", "404"]),
  /** Where webhooks are delivered to: only to this machine, or to every http(s) URL. */
  webhookTargets: oneOf(["loopback", "any"]),
  /** How long a webhook's receiver may take to answer; milliseconds. */
  webhookTimeoutMs: wholeNumber(10_000, 1, 600_000),
  /** How often a delivery that failed is tried again. */
  webhookRetriesMax: wholeNumber(0, 0, 100),
  /** How long after a failure; milliseconds. */
  webhookRetryDelayMs: wholeNumber(1000, 0, dayMs),
  /** How often each delivery is sent. */
  webhookCopies: wholeNumber(1, 1, 10),
  /** Every so many deliveries one is never sent; 0 is none. */
  webhookDropEvery: wholeNumber(0, 0, 1_000_000),
  /** Of two deliveries of a webhook the later one goes first. */
  webhookReorder: flag(false),
  /** An update that leaves a memory's text as it was is told too. */
  webhookTellsMetadataUpdates: flag(true),
  /** What a deletion tells of the memory: the text it had, or null. */
  webhookDeletionTells: oneOf(["text", "null"]),
  /** Delete-all and an entity's deletion tell of every memory they take. */
  deleteAllNotifies: flag(false),
};

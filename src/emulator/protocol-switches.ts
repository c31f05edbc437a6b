import { dayMs, flag, oneOf, wholeNumber } from "./switch-kinds.ts";

/** What holds for every request: authentication, paths, methods, bodies, time. The README says where each default comes from. */
export const protocolSwitches = {
  /** Added to every answer, after the deed; milliseconds. */
  latencyMs: wholeNumber(0, 0, dayMs),
  /** A path without its last slash answers 301 or 404; otherwise it is served. */
  strictTrailingSlash: flag(true),
  /** What POST, PUT and PATCH of a path without its last slash answer, if that is strict. */
  slashlessWrite: oneOf(["404", "301"]),
  /** What a path answers that is not built. */
  unknownPath: oneOf(["501", "404-json", "404-html"]),
  /** `Authorization: Bearer <key>` is taken like `Token <key>`. */
  bearerAccepted: flag(true),
  /** What a request without a key answers: the framework's 401, Mem0's own text, or the framework's other choice. */
  missingCredentials: oneOf(["401", "401-invalid-key", "403"]),
  /** HEAD is answered as GET is; otherwise 405. */
  headAnswered: flag(true),
  /** OPTIONS is answered by the framework's description of the path; otherwise 405. */
  optionsAnswered: flag(false),
  /** A deletion that succeeds is a 204 without a body instead of a 200. */
  deletionAnswers204: flag(false),
  /** A body of another media type than JSON is a 415; otherwise it is read as JSON. */
  mediaTypeMatters: flag(true),
  /** More than this of a body is a 413; bytes. */
  bodyBytesMax: wholeNumber(2_500_000, 1, 100_000_000),
  /** How dates are written. */
  dates: oneOf(["pacific", "utc"]),
};

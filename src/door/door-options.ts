import type { TrustedDocuments } from "./trusted-documents.ts";

/** What of the GraphQL door is configured. */
export interface DoorOptions {
  /** Whether what is behind it is the built-in emulator: then the schema, and what is wrong with a document, is told to everybody. */
  readonly isDevelopment: boolean;
  /** The exact origins whose pages may call the API from a browser. */
  readonly corsOrigins: readonly string[];
  /** For one operation, from when its body has come in; a subscription is another matter. */
  readonly requestTimeoutMs: number;
  /** Of one caller, in one process. */
  readonly ratePerMinute: number;
  /** Requests of one caller under way at once, in one process. */
  readonly concurrencyMax: number;
  /** How many proxies stand in front and append to `X-Forwarded-For`. */
  readonly proxies: number;
  /** Not null: a tenant's callers may send no other document, and these by their hashes alone. */
  readonly trustedDocuments: TrustedDocuments | null;
}

/** The door as it is when nothing is configured, of an installation that is not in development. */
export const closedDoor: DoorOptions = {
  isDevelopment: false,
  corsOrigins: [],
  requestTimeoutMs: 75_000,
  ratePerMinute: 6_000,
  concurrencyMax: 200,
  proxies: 0,
  trustedDocuments: null,
};

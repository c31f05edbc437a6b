import { DatabaseUnavailable, errorCode, errorMessage } from "./errors.ts";

/**
 * The address in a connection string as it may be shown: host, port and database, no user, no password.
 *
 * @throws DatabaseUnavailable when the string is no Postgres URL. The string itself is not repeated.
 */
export function describeTarget(connectionString: string): string {
  const url = parseTarget(connectionString);
  const host = url.hostname || url.searchParams.get("host") || "localhost";
  return `${host}:${url.port || url.searchParams.get("port") || "5432"}${url.pathname}`;
}

/**
 * The same connection with every session in UTC: adapter-pg writes and reads timestamps without their
 * offset, so in another zone they would be shifted. Options in the URL are kept, but none of them can
 * change the zone.
 *
 * @throws DatabaseUnavailable as `describeTarget`.
 */
export function inUtc(connectionString: string): string {
  const url = parseTarget(connectionString);
  const options = url.searchParams.get("options");
  url.searchParams.set("options", `${options ? `${options} ` : ""}-c TimeZone=UTC`);
  return url.href;
}

/** The same server's database of another name. */
export function withDatabase(connectionString: string, name: string): string {
  const url = parseTarget(connectionString);
  url.pathname = `/${encodeURIComponent(name)}`;
  return url.href;
}

/**
 * The same database for the durable engine (DBOS 5.3.0): in UTC, and with its limit on idle transactions set by the
 * connection's own options. Otherwise the engine sets it on each new connection by a statement that it does not wait for,
 * and the driver warns on stderr of what does not wait.
 */
export function forEngine(connectionString: string): string {
  const url = new URL(inUtc(connectionString));
  const options = url.searchParams.get("options") ?? "";
  if (!options.includes("idle_in_transaction_session_timeout")) {
    url.searchParams.set("options", `${options} -c idle_in_transaction_session_timeout=60000`);
  }
  return url.href;
}

/** One sentence for a connection that could not be made. */
export function connectionFault(connectionString: string, error: unknown): DatabaseUnavailable {
  if (error instanceof DatabaseUnavailable) return error;
  const code = errorCode(error);
  const reason = errorMessage(error);
  return new DatabaseUnavailable(
    `The database at ${describeTarget(connectionString)} cannot be used: ${reason}${code && !reason.includes(code) ? ` (${code})` : ""}.`,
    { cause: error },
  );
}

function parseTarget(connectionString: string): URL {
  let url: URL;
  try {
    url = new URL(connectionString);
  } catch {
    // The parser's own error carries the string with its password, so it is not kept as the cause.
    throw notAPostgresUrl();
  }
  if (url.protocol !== "postgresql:" && url.protocol !== "postgres:") throw notAPostgresUrl();
  return url;
}

function notAPostgresUrl(): DatabaseUnavailable {
  return new DatabaseUnavailable(
    "DATABASE_URL is not of the form postgresql://user:password@host:port/database.",
  );
}

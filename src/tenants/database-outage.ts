/** Prisma's codes for "the database cannot be reached, or has no room now" (Prisma docs, error reference). */
const outageCodes = new Set(["P1001", "P1002", "P1008", "P1017", "P2024", "P2028", "P2034", "P2037"]);

/** Postgres' own: shutting down, starting up, crash of another backend, too many connections. */
const outageStates = /\b(57P0[1-3]|53300|08\d{3}|40001|40P01)\b/;

const outageWords = new RegExp(
  [
    ...["Connection terminated", "ConnectionClosed", "Server has closed the connection"],
    ...[
      "Client has encountered a connection error",
      "Can't reach database",
      "timeout exceeded when trying to connect",
    ],
    ...["Query read timeout", "ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT"],
  ].join("|"),
);

/**
 * Whether an error means that the database was away or too busy, and not that the statement was wrong. The same
 * statement may be made again: all our writes are compare-and-set.
 */
export function isDatabaseOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("code" in error && typeof error.code === "string") {
    // Where a name has several addresses, Node's error has no words, and all there is stands in its code.
    if (outageCodes.has(error.code) || outageStates.test(error.code) || outageWords.test(error.code))
      return true;
  }
  return outageStates.test(error.message) || outageWords.test(error.message);
}

import { expect, it } from "vitest";
import { isDatabaseOutage } from "../../src/tenants/database-outage.ts";

/** What the driver, its pool and Prisma say when Postgres is away; most of it was heard in the chaos. */
const said = [
  "Connection terminated unexpectedly",
  "ConnectionClosed",
  "Server has closed the connection.",
  "Raw query failed. Code: `N/A`. Message: `Server has closed the connection.`",
  "Database error. Code: `57P03`. Message: `the database system is starting up`",
  "Client has encountered a connection error and is not queryable",
  "read ECONNRESET",
  "write EPIPE",
  "timeout exceeded when trying to connect",
];

it.each(said)("%s is an outage, and no fault of the statement", (message) => {
  expect(isDatabaseOutage(new Error(message))).toBe(true);
});

it("where a name has several addresses and nobody answers at any, it is an outage, too", () => {
  // Node's own: no words of its own, and a code.
  const error = Object.assign(new AggregateError([new Error("connect ECONNREFUSED ::1:5432")]), {
    code: "ECONNREFUSED",
  });
  expect(error.message).toBe("");
  expect(isDatabaseOutage(error)).toBe(true);
});

it("what is wrong with the statement is none", () => {
  expect(isDatabaseOutage(new Error('relation "tenant" does not exist'))).toBe(false);
});

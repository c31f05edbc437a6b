import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import { PrismaClient } from "../generated/prisma/client.ts";
import { connectionFault, inUtc } from "./connection-target.ts";
import { withDirectRaw } from "./direct-raw.ts";
import { errorMessage } from "./errors.ts";
import { statementName } from "./statement-name.ts";

/** A database that answered, by Prisma and by plain SQL, over one set of connections. */
export interface Database {
  readonly prisma: PrismaClient;
  readonly pool: pg.Pool;
  /** Waits for what is under way and closes all connections. A repeat answers as the first call did. */
  close(): Promise<void>;
}

/** Settings of the connections. */
export interface DatabaseOptions {
  /** At most so many connections at once; 10 unless told. */
  readonly connectionsMax?: number;
  /** Receives a sentence when a connection breaks that nobody is using. */
  readonly log?: (message: string) => void;
}

const connectionsMaxDefault = 10;
/** Also how long a query waits for a connection of the pool: in a burst it queues instead of failing. */
const connectTimeoutMs = 30_000;
/** The server gives up a statement after this. */
const statementTimeoutMs = 30_000;
/** We give up a little later, for a server that no longer answers at all. */
const queryTimeoutMs = 35_000;
/** In a burst a transaction waits for its turn instead of being refused. */
const transactionWaitMs = 20_000;
/** A transaction that its owner has forgotten lets go of its locks after this. */
const idleInTransactionTimeoutMs = 60_000;

/**
 * Opens the database and proves it with one query. Sessions are in UTC whatever the server's zone.
 * Connections that break are replaced at the next use; a restart of the server ends the queries under way
 * and nothing else.
 *
 * @throws DatabaseUnavailable when it cannot be reached or does not let us in.
 */
export async function openDatabase(
  connectionString: string,
  options: DatabaseOptions = {},
): Promise<Database> {
  const pool = new pg.Pool({
    connectionString: inUtc(connectionString),
    max: options.connectionsMax ?? connectionsMaxDefault,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    query_timeout: queryTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
    keepAlive: true,
  });
  // Without a listener of ours a restart of the server would end this process: Prisma takes its own away
  // when it disconnects.
  pool.on("error", (error) =>
    options.log?.(`A database connection broke while idle: ${errorMessage(error)}`),
  );
  try {
    await pool.query("SELECT 1");
  } catch (error) {
    await pool.end();
    throw connectionFault(connectionString, error);
  }
  // Its longer messages quote our source and the values of a write, which do not belong in a log.
  const client = new PrismaClient({
    adapter: new PrismaPg(pool, { statementNameGenerator: ({ sql }) => statementName(sql) ?? "" }),
    errorFormat: "minimal",
    transactionOptions: { maxWait: transactionWaitMs, timeout: statementTimeoutMs },
  });
  const prisma = withDirectRaw(client, pool);
  let closed: Promise<void> | undefined;
  const close = async () => {
    await prisma.$disconnect();
    await pool.end();
  };
  return {
    prisma,
    pool,
    close() {
      closed ??= close();
      return closed;
    },
  };
}

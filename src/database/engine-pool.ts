import pg from "pg";
import { forEngine } from "./connection-target.ts";
import { errorMessage } from "./errors.ts";
import { statementName } from "./statement-name.ts";

/**
 * A client that names what it sends with parameters. Most of what the durable engine costs Postgres is parsing the same
 * few statements again, and the engine has no setting for it.
 */
class NamingClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    // Looked up at each call, as a method is: the bench counts statements there.
    const query = (...args: unknown[]) =>
      Reflect.apply(Reflect.get(pg.Client.prototype, "query"), this, named(args));
    Reflect.set(this, "query", query);
  }
}

/** The same arguments of a query with a name for its statement; as they are where there are no parameters. */
function named(args: readonly unknown[]): readonly unknown[] {
  const [text, values, ...rest] = args;
  if (typeof text !== "string" || !Array.isArray(values) || values.length === 0) return args;
  const name = statementName(text);
  return name === undefined ? args : [{ name, text, values }, ...rest];
}

/** The durable engine's connections. */
export interface EnginePool {
  /** The same database, as the engine is to connect to it where it does not use the pool. */
  readonly url: string;
  readonly pool: pg.Pool;
  /** Closes them, once the engine has stopped. */
  close(): Promise<void>;
}

/**
 * Opens the connections of the durable engine: in UTC, and with its limits set on them. Connections that break are
 * replaced at the next use, and told to `log`.
 */
export function openEnginePool(
  connectionString: string,
  { connectionsMax, log }: { readonly connectionsMax: number; readonly log: (message: string) => void },
): EnginePool {
  const url = forEngine(connectionString);
  const pool = new pg.Pool({
    connectionString: url,
    application_name: "loci-engine",
    max: connectionsMax,
    keepAlive: true,
    Client: NamingClient,
  });
  pool.on("error", (error) => log(`A connection of the engine broke while idle: ${errorMessage(error)}`));
  return { url, pool, close: () => pool.end() };
}

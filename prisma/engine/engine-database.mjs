// The connections of the schema engine's stand-in: the database that the datasource names, and the
// shadow database, which is a PGlite in this process's memory. Both are spoken to through adapter-pg.
import { Duplex } from "node:stream";
import { PrismaPg } from "@prisma/adapter-pg";
import { ColumnTypeEnum } from "@prisma/driver-adapter-utils";
import pg from "pg";

const connectTimeoutMs = 10_000;

/** The type of `pg_constraint.contype` and its like, which adapter-pg refuses to read. */
const singleByteCharType = 18;
const textType = 25;

/** Which columns of a result are `"char"`, found by the result's own list of rows. */
const charColumns = new WeakMap();

/**
 * A client that announces the catalog's `"char"` columns as text, which adapter-pg reads, and remembers
 * them: the engine insists on single characters, and `readCharacters` tells it so.
 */
class CatalogClient extends pg.Client {
  query(config, values, callback) {
    const done = typeof values === "function" ? values : callback;
    if (typeof done === "function") {
      const parameters = typeof values === "function" ? undefined : values;
      return super.query(config, parameters, (error, result) => done(error, result && announce(result)));
    }
    const answer = super.query(config, values);
    // Cursors and the like are handed back as they came.
    return typeof answer?.then === "function" ? answer.then(announce) : answer;
  }
}

function announce(result) {
  // A script of several statements answers a list of results.
  for (const one of Array.isArray(result) ? result : [result]) {
    const columns = [];
    for (const [index, field] of (one.fields ?? []).entries()) {
      if (field.dataTypeID !== singleByteCharType) continue;
      field.dataTypeID = textType;
      columns.push(index);
    }
    if (columns.length > 0) charColumns.set(one.rows, columns);
  }
  return result;
}

/** Lets `queryable` answer `"char"` columns as characters. */
function readCharacters(queryable) {
  const queryRaw = queryable.queryRaw.bind(queryable);
  queryable.queryRaw = async (query) => {
    const result = await queryRaw(query);
    for (const index of charColumns.get(result.rows) ?? []) {
      result.columnTypes[index] = ColumnTypeEnum.Character;
    }
    return result;
  };
  return queryable;
}

/**
 * The wire between pg and a PGlite: what pg writes is executed, what comes of it is read.
 * So the shadow database is reached by the very code that reaches a real one.
 */
class PgliteWire extends Duplex {
  #pglite;

  constructor(pglite) {
    super();
    this.#pglite = pglite;
  }

  connect() {
    queueMicrotask(() => this.emit("connect"));
    return this;
  }

  setNoDelay() {
    return this;
  }

  setKeepAlive() {
    return this;
  }

  ref() {
    return this;
  }

  unref() {
    return this;
  }

  _read() {}

  _write(chunk, _encoding, callback) {
    this.#pglite.execProtocolRaw(new Uint8Array(chunk)).then((answer) => {
      if (answer.length > 0) this.push(Buffer.from(answer));
      callback();
    }, callback);
  }

  _final(callback) {
    this.push(null);
    callback();
  }
}

/**
 * adapter-pg's connection with two of its ways changed: characters, as above, and scripts. It splits these
 * at every semicolon, which tears function bodies apart. A script sent whole by the simple protocol is also
 * one transaction: a migration that fails leaves nothing behind.
 */
async function connectThroughPool(pool, dispose) {
  const adapter = readCharacters(await new PrismaPg(pool).connect());
  const startTransaction = adapter.startTransaction.bind(adapter);
  adapter.startTransaction = async (isolationLevel) => readCharacters(await startTransaction(isolationLevel));
  adapter.executeScript = async (script) => {
    try {
      await pool.query(script);
    } catch (error) {
      adapter.onError(error);
    }
  };
  adapter.dispose = dispose;
  return adapter;
}

/** One connection only: session locks and settings must meet the statements that need them. */
function poolOfOne(config) {
  const pool = new pg.Pool({ ...config, Client: CatalogClient, max: 1, options: "-c TimeZone=UTC" });
  pool.on("error", () => {});
  return pool;
}

/** A pool on the database at `url`, for statements that go round the engine. The caller ends it. */
export function openPool(url) {
  return poolOfOne({ connectionString: url, connectionTimeoutMillis: connectTimeoutMs });
}

/** The `schema=` parameter of a Prisma URL; Prisma's own default without one. */
function schemaOf(url) {
  return new URL(url).searchParams.get("schema") ?? "public";
}

/** What the engine is told of the server when there is none: the embedded one, which we ship. */
const embeddedServer = {
  columnNames: ["exists", "version", "numeric_version"],
  columnTypes: [ColumnTypeEnum.Boolean, ColumnTypeEnum.Text, ColumnTypeEnum.Int32],
  rows: [[true, "PostgreSQL 18.4", 180_004]],
};

/**
 * The engine connects and asks for the server's version as it starts, although much of what it does (a
 * diff of files, say) needs no database. So without one it gets this: an answer to that first question,
 * and a refusal of every other.
 */
function noDatabase() {
  const refuse = async () => {
    throw new Error("This command needs a database: set DATABASE_URL.");
  };
  return {
    provider: "postgres",
    adapterName: "@prisma/adapter-pg",
    queryRaw: async (query) => (query.sql.includes("server_version_num") ? embeddedServer : refuse()),
    executeRaw: refuse,
    executeScript: refuse,
    startTransaction: refuse,
    getConnectionInfo: () => ({ supportsRelationJoins: true }),
    dispose: async () => {},
  };
}

/**
 * The factory that the engine connects with. adapter-pg's own shadow connection is never used: pg
 * ignores the database it names beside a connection string, so the shadow run, which empties what it
 * finds, would take place in the real database.
 */
export function databaseFactory(url) {
  return {
    provider: "postgres",
    adapterName: "@prisma/adapter-pg",
    async connect() {
      if (!url) return noDatabase();
      const pool = openPool(url);
      const adapter = await connectThroughPool(pool, () => pool.end());
      adapter.getConnectionInfo = () => ({ schemaName: schemaOf(url), supportsRelationJoins: true });
      return adapter;
    },
    async connectToShadowDb() {
      const { PGlite } = await import("@electric-sql/pglite");
      const pglite = await PGlite.create();
      const pool = poolOfOne({
        stream: () => new PgliteWire(pglite),
        user: "postgres",
        password: "postgres",
        database: "postgres",
      });
      return connectThroughPool(pool, async () => {
        await pool.end();
        await pglite.close();
      });
    },
  };
}

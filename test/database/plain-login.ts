import { randomBytes } from "node:crypto";
import pg from "pg";

/** A login of the database as one has it in earnest. */
export interface Login {
  readonly name: string;
  /** The same database for it. */
  of(connectionString: string): string;
}

/** Executes a script as whoever a connection string is for. */
export async function execute(connectionString: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString });
  client.on("error", () => {});
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}

/** Makes a login by a superuser's connection; `attributes` as CREATE ROLE takes them. */
export async function makeLogin(superuser: string, attributes = ""): Promise<Login> {
  const name = `login_${randomBytes(6).toString("hex")}`;
  const password = randomBytes(12).toString("hex");
  await execute(superuser, `CREATE ROLE ${name} LOGIN PASSWORD '${password}' ${attributes}`);
  return {
    name,
    of: (connectionString) => {
      const url = new URL(connectionString);
      url.username = name;
      url.password = password;
      return url.href;
    },
  };
}

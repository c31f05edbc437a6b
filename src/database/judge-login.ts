import pg from "pg";
import { connectionFault } from "./connection-target.ts";
import { DatabaseUnavailable } from "./errors.ts";
import { tenantRole } from "./tenant-session.ts";

const connectTimeoutMs = 10_000;
const howTo = "see docs/decisions/row-level-security.md";

/**
 * Refuses a login that is above row-level security, the second wall between tenants. To be asked before anything is made with
 * it: what a superuser made is a superuser's.
 *
 * @throws DatabaseUnavailable when it is a superuser or may bypass row-level security, or the database cannot be reached.
 */
export async function refuseLoginAboveRules(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: connectTimeoutMs });
  // An error after the connection has failed once more must not end the process.
  client.on("error", () => {});
  try {
    await client.connect();
    // The one that a connection's options make it become, too.
    const { rows } = await client.query<{ name: string }>(
      `SELECT rolname AS name FROM pg_roles
       WHERE rolname IN (session_user, current_user) AND (rolsuper OR rolbypassrls)`,
    );
    const [login] = rows;
    if (login === undefined) return;
    throw new DatabaseUnavailable(
      `The database's login ${login.name} is a superuser or may bypass row-level security, which keeps tenants apart; give DATABASE_URL a login that is neither, ${howTo}.`,
    );
  } catch (error) {
    throw connectionFault(connectionString, error);
  } finally {
    await client.end().catch(() => {});
  }
}

/** What a login can do with our tables. */
interface Login {
  readonly name: string;
  /** Whether the rows of our tables are hidden from it, because it does not own them. */
  readonly is_hidden_from: boolean;
  /** Whether it can become the role that tenants' callers read as, and that one can read. Null: there is no such role. */
  readonly can_become_tenant: boolean | null;
}

/**
 * Says whether the login of a migrated database can serve Loci: it sees all rows, and can become `loci_tenant`.
 *
 * @throws DatabaseUnavailable when it cannot.
 */
export async function judgeLogin(pool: pg.Pool): Promise<void> {
  // Before Postgres 16 whoever is a member of a role may become it.
  const { rows } = await pool.query<Login>(
    `SELECT session_user::text AS name, row_security_active('tenant') AS is_hidden_from,
       (SELECT pg_has_role(session_user, oid,
          CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
          AND has_table_privilege(oid, 'tenant', 'SELECT')
        FROM pg_roles WHERE rolname = $1) AS can_become_tenant`,
    [tenantRole],
  );
  const [login] = rows;
  if (login === undefined) throw new Error("The database does not know its own login.");
  const { name, is_hidden_from: isHiddenFrom, can_become_tenant: canBecomeTenant } = login;
  if (isHiddenFrom) {
    throw new DatabaseUnavailable(
      `The database's login ${name} does not own Loci's tables, and sees none of their rows; give DATABASE_URL the login of their owner, ${howTo}.`,
    );
  }
  if (canBecomeTenant === true) return;
  throw new DatabaseUnavailable(
    canBecomeTenant === null
      ? `The database's server has no role ${tenantRole}, which no dump of a single database holds; make it and restore the dump again, ${howTo}.`
      : `The database's login ${name} may not become the role ${tenantRole}, or that one may not read; let a superuser run GRANT ${tenantRole} TO ${name}, ${howTo}.`,
  );
}

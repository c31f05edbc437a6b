import { Prisma, type PrismaClient } from "../generated/prisma/client.ts";

/** The role that rows are read as for a tenant's own caller. Its grants and policies: the migration `row_security`. */
export const tenantRole = "loci_tenant";

/** Names of the client's own for each model: `tenant`, `projectKey`. */
const delegates: ReadonlySet<string> = new Set(
  Object.values(Prisma.ModelName).map((model) => `${model.charAt(0).toLowerCase()}${model.slice(1)}`),
);

const rawMethods: ReadonlySet<string> = new Set([
  "$queryRaw",
  "$queryRawUnsafe",
  "$executeRaw",
  "$executeRawUnsafe",
]);

/**
 * The same client for one tenant's caller: the database itself shows it no other tenant's rows, whatever a statement asks for,
 * and takes no write. Each call is a transaction of its own that first becomes `loci_tenant` for this tenant, three round trips
 * more than otherwise (docs/decisions/row-level-security.md); with its end the connection is its owner's again. Raw statements
 * answer as in a transaction: `bigint` and `numeric` are cast.
 *
 * Whatever else a client can do, `$transaction` above all, is refused: there is nothing that leads round the wall.
 */
export function withTenantSession(prisma: PrismaClient, tenantId: string): PrismaClient {
  const inSession = (deed: (tx: Prisma.TransactionClient) => unknown): Promise<unknown> =>
    prisma.$transaction(async (tx) => {
      // In one statement, so that none of the three is ever without the others.
      await tx.$executeRaw`SELECT set_config('loci.tenant_id', ${tenantId}, true),
        set_config('role', ${tenantRole}, true), set_config('transaction_read_only', 'on', true)`;
      return deed(tx);
    });
  return new Proxy(prisma, {
    get(target, property) {
      // Nobody's name: how JavaScript tells promises and the like from other things.
      if (typeof property === "symbol" || property === "then") return undefined;
      if (rawMethods.has(property)) {
        return (...args: readonly unknown[]) => inSession((tx) => callOf(tx, property, args));
      }
      if (delegates.has(property)) return delegateIn(inSession, target, property);
      throw new Error(`A tenant's session of the database has no ${property}.`);
    },
  });
}

/** What a model's methods do, in a session. */
function delegateIn(
  inSession: (deed: (tx: Prisma.TransactionClient) => unknown) => Promise<unknown>,
  prisma: PrismaClient,
  name: string,
): object {
  return new Proxy(objectOf(prisma, name), {
    get(delegate, property) {
      const found: unknown = Reflect.get(delegate, property);
      if (typeof found !== "function") return found;
      return (...args: readonly unknown[]) => inSession((tx) => callOf(objectOf(tx, name), property, args));
    },
  });
}

function objectOf(client: object, name: string): object {
  const found: unknown = Reflect.get(client, name);
  if (typeof found === "object" && found !== null) return found;
  throw new Error(`The client of the database has no ${name}.`);
}

function callOf(target: object, name: string | symbol, args: readonly unknown[]): unknown {
  const method: unknown = Reflect.get(target, name);
  if (typeof method !== "function") throw new Error(`The client of the database has no ${String(name)}.`);
  return Reflect.apply(method, target, args);
}

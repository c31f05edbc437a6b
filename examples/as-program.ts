import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { GraphQLClient } from "graphql-request";
import { reasonOf } from "./answer.ts";
import { signUpDemoTenant } from "./demo-tenant.ts";

/** What an example that is run as a program gets. */
export interface Ground {
  readonly client: GraphQLClient;
  /** Where the emulator's control plane is, which does what people do in Mem0's dashboard. */
  readonly emulatorUrl: string;
  /** The key of a tenant whose memories can be reached; it is signed up when none was named. */
  tenant(): Promise<string>;
}

/**
 * Runs an example when it is the program that was started (and not when a test imports it), and prints what it achieved.
 * From the environment: LOCI_TOKEN, the admin token; LOCI_URL; LOCI_TENANT, the key of a tenant with memory access, or
 * else one is signed up; LOCI_EMULATOR_URL, where its key comes from then.
 */
export async function asProgram(
  moduleUrl: string,
  example: (ground: Ground) => Promise<unknown>,
): Promise<void> {
  const [, program] = process.argv;
  if (program === undefined || realpathSync(program) !== realpathSync(fileURLToPath(moduleUrl))) return;
  try {
    process.stdout.write(`${JSON.stringify(await example(openGround()), null, 2)}\n`);
  } catch (error) {
    process.stderr.write(`${reasonOf(error)}\n`);
    process.exitCode = 1;
  }
}

function openGround(): Ground {
  const {
    LOCI_TOKEN: token,
    LOCI_URL: url = "http://127.0.0.1:4000/graphql",
    LOCI_TENANT: tenantKey,
    LOCI_EMULATOR_URL: emulatorUrl = "http://127.0.0.1:4100",
  } = process.env;
  if (token === undefined) throw new Error("LOCI_TOKEN is missing: `npm start` prints the admin token.");
  const client = new GraphQLClient(url, { headers: { authorization: `Bearer ${token}` } });
  return { client, emulatorUrl, tenant: async () => tenantKey ?? signUpDemoTenant(client, emulatorUrl) };
}

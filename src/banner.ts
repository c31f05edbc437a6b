import { randomUUID } from "node:crypto";
import path from "node:path";
import { adminTokenFile } from "./access/admin-token.ts";
import type { PrismaClient } from "./generated/prisma/client.ts";
import { readPause } from "./tenants/pause.ts";
import { findTenant } from "./tenants/tenant-store.ts";

/** What was started, for the person at the terminal. */
export interface Running {
  /** Null: nothing listens. */
  readonly url: string | null;
  readonly upstreamUrl: string;
  /** Host, port and name of the database in DATABASE_URL; null: the embedded Postgres. */
  readonly databaseTarget: string | null;
  /** Null when no data folder is used. */
  readonly dataDir: string | null;
}

/** A process that serves GraphQL. */
export interface RunningApi extends Running {
  readonly isEmulator: boolean;
  /** The token that Loci made itself; null when the caller chose one. */
  readonly adminToken: string | null;
  readonly prisma: PrismaClient;
}

/** The first of acme, acme-2, acme-3 … that was never used, so that the mutation succeeds as it stands. */
async function unusedKey(prisma: PrismaClient): Promise<string> {
  for (let number = 1; ; number++) {
    const key = number === 1 ? "acme" : `acme-${number}`;
    if ((await findTenant(prisma, key)) === null) return key;
  }
}

/** A mutation that succeeds as it stands, with a fresh idempotency key. */
function signUpMutation(key: string, isEmulator: boolean): string {
  // On a real account a first try invites nobody and calls nobody.
  const extras = isEmulator
    ? `
    members: [{email: "ada@acme.test", role: READER}], onUnknownMember: WAIT,
    webhooks: [{url: "https://acme.test/hook", eventTypes: [MEMORY_ADD]}],`
    : "";
  return `mutation {
  signUpTenant(input: {
    key: "${key}", name: "Acme Inc.",${extras}
    idempotencyKey: "${randomUUID()}", waitMs: 10000
  }) {
    __typename
    ... on SignUpTenantPayload { tenant { key status memoryAccess { state howTo } resources { kind name state upstreamId } } }
    ... on Error { code message }
  }
}`;
}

const lastLine = "Ctrl-C stops everything.";

/** Says where things are, of a process that runs sagas and serves no GraphQL. */
export function describeWorker({ url, databaseTarget, upstreamUrl }: Running): string {
  const lines = [
    "",
    "Loci runs sagas here. This is a worker: it serves no GraphQL.",
    "",
    `  Database   ${databaseTarget}`,
    `  Mem0       ${upstreamUrl}`,
  ];
  if (url !== null) lines.push(`  Health     ${url}/readyz`);
  return `${lines.join("\n")}\n\n${lastLine}\n`;
}

/** Says where things are, how to get in, and what to try first. */
export async function describeStart(running: RunningApi): Promise<string> {
  const { dataDir, adminToken } = running;
  const lines = [
    "",
    "Loci is running.",
    "",
    `  GraphQL    ${running.url}/graphql   (GraphiQL, in a browser)`,
    `  Database   ${running.databaseTarget ?? "embedded Postgres"}`,
    `  Mem0       ${running.upstreamUrl}`,
  ];
  if (dataDir !== null) lines.push(`  Data       ${dataDir}`);
  if (adminToken === null) lines.push("  Token      the one in LOCI_ADMIN_TOKEN");
  else
    lines.push(
      `  Token      ${adminToken}`,
      `             (kept in ${path.join(dataDir ?? "", adminTokenFile)})`,
    );
  if (running.isEmulator) {
    lines.push(
      "",
      "  !! NOT THE REAL MEM0: no MEM0_API_KEY is set, so this runs against a built-in emulator of Mem0.",
      "  !! Nothing of it exists at api.mem0.ai.",
    );
  }
  const paused = await readPause(running.prisma);
  if (paused !== null) {
    lines.push("", `  !! PAUSED: no operation is started. ${paused.because}`);
  }
  const key = await unusedKey(running.prisma);
  lines.push("", "Paste this into GraphiQL, or send it with the token as a bearer:", "");
  return `${lines.join("\n")}\n${signUpMutation(key, running.isEmulator)}\n\n${lastLine}\n`;
}

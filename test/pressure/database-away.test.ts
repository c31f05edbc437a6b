import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, it, onTestFailed, onTestFinished } from "vitest";
import { openTcpProxy, type TcpProxy } from "../chaos/tcp-proxy.ts";
import { makeTemporaryFolder } from "../database/temporary-folder.ts";
import { type LociProcess, spawnLoci } from "../loci-process.ts";
import { compileLoci, type LociProgram } from "../loci-program.ts";
import { freshKey } from "../main-job.ts";
import { createTestDatabase } from "../test-database.ts";
import { waitUntil } from "../wait-until.ts";

/** Nothing listens there, and nobody but root may. */
const nowhere = 1;

let program: LociProgram;

beforeAll(async () => {
  program = await compileLoci();
});
afterAll(() => program?.remove());

/** A process of Loci, and the only way from it to its database, which can be cut and mended. */
async function startBehindNet() {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const folder = await makeTemporaryFolder("loci-pressure-");
  onTestFinished(folder.remove);
  const direct = new URL(database.connectionString);
  let port = Number(direct.port);
  const proxy: TcpProxy = await openTcpProxy(() => port);
  onTestFinished(proxy.close);
  const through = new URL(direct);
  through.hostname = "127.0.0.1";
  through.port = String(proxy.port);
  const spawned = spawnLoci({
    main: program.main,
    dataDir: folder.path,
    env: {
      DATABASE_URL: through.href,
      LOCI_ENCRYPTION_KEY: randomBytes(32).toString("base64"),
      LOG_LEVEL: "error",
    },
  });
  onTestFinished(spawned.kill9);
  onTestFailed(() => void process.stderr.write(spawned.stderr()));
  return {
    loci: await spawned.ready(),
    cut: () => {
      port = nowhere;
      proxy.dropAll();
    },
    mend: () => {
      port = Number(direct.port);
    },
  };
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly data: Record<string, { readonly status?: string; readonly __typename?: string }> | null;
  readonly extensions: readonly unknown[];
}

async function ask({ url }: LociProcess, token: string, query: string): Promise<Answer> {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ query }),
  });
  const { data = null, errors = [] } = (await response.json()) as {
    data?: Answer["data"];
    errors?: { extensions: unknown }[];
  };
  return {
    status: response.status,
    retryAfter: response.headers.get("retry-after"),
    ...{ data, extensions: errors.map(({ extensions }) => extensions) },
  };
}

async function makeAuditor(loci: LociProcess): Promise<string> {
  const { createApiToken } = await loci.send<{ createApiToken: { token: string } }>(
    `mutation { createApiToken(input: { kind: AUDITOR, label: "a", reason: "a test" }) {
      ... on ApiTokenPayload { token } } }`,
  );
  return createApiToken.token;
}

it("while the database is away it is alive, says so in a typed and retryable way, and recovers by itself", {
  timeout: 180_000,
}, async () => {
  const { loci, cut, mend } = await startBehindNet();
  const key = freshKey();
  const read = `{ tenant(key: "${key}") { status } }`;
  const signUp = `mutation { signUpTenant(input: { key: "${key}", name: "N", idempotencyKey: "${key}" }) { __typename } }`;
  const auditor = await makeAuditor(loci);
  const health = async (path: string) => (await fetch(`${loci.url}${path}`)).status;
  expect(await ask(loci, auditor, read)).toMatchObject({ status: 200, data: { tenant: null } });

  cut();
  await waitUntil(async () => (await health("/readyz")) === 503, { what: "unready", timeoutMs: 30_000 });
  expect(await health("/healthz")).toBe(200);
  const away = { code: "DATABASE_UNAVAILABLE", retryable: true, correlationId: expect.any(String) };
  for (const document of [read, signUp]) {
    const answer = await ask(loci, loci.token, document);
    expect([document, answer.extensions]).toEqual([document, [away]]);
  }
  // Who has this token cannot be looked up. What was read of it counts for a second.
  await waitUntil(async () => (await ask(loci, auditor, read)).status === 503, {
    ...{ what: "nobody can be looked up", timeoutMs: 10_000 },
  });
  expect(await ask(loci, auditor, read)).toMatchObject({
    ...{ status: 503, retryAfter: "1", extensions: [{ code: "DATABASE_UNAVAILABLE" }] },
  });

  mend();
  await waitUntil(async () => (await health("/readyz")) === 200, { what: "ready again", timeoutMs: 30_000 });
  expect(await ask(loci, auditor, read)).toMatchObject({ status: 200, data: { tenant: null } });
  expect(await ask(loci, loci.token, signUp)).toMatchObject({
    data: { signUpTenant: { __typename: "SignUpTenantPayload" } },
  });
  await waitUntil(async () => (await ask(loci, auditor, read)).data?.["tenant"]?.status === "ACTIVE", {
    ...{ what: "the sign-up is done", timeoutMs: 60_000 },
  });
});

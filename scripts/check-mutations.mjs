// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are pieces of the sources, and to be found as they stand.
// Takes out, one at a time, what keeps a tenant from being made twice or lost, in a private copy of the tree, and sees
// the test fail that is there for it: npm run check-mutations -- [--texts] [part of a mutation's name …]. With --texts it only
// sees whether every mutation still finds its text, which takes no time. A mutation whose text is
// not found exactly once, or whose test is not there or fails by itself, is a failure, too: so that this cannot rot unseen.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Longer than any of these tests takes on a busy machine. */
const runMaxMs = 240_000;

const signUpFault = (step, what) => `a sign-up whose ${step} goes wrong once (${what}) makes everything once`;

/** What is taken out, where, and who must notice. `test` is the full name, with those of its describes. */
const mutations = [
  {
    name: "look: what a lost answer made is not looked for",
    file: "src/provisioning/make-once.ts",
    find: "const { adopted, suspicious } = await adoptSurvivor(context, making, attempt.id);",
    replace: "const { adopted, suspicious }: Looked = { adopted: null, suspicious: [] };",
    testFile: "test/provisioning/sign-up-faults.test.ts",
    test: signUpFault("createOrganization", "the deed is done and the connection breaks"),
  },
  {
    name: "settle: an empty look counts at once",
    file: "src/provisioning/make-once.ts",
    find: "if (lookedAt < settledAt) {",
    replace: "if (lookedAt > settledAt && lookedAt < settledAt) {",
    testFile: "test/provisioning/sign-up-faults.test.ts",
    test: signUpFault("createProject", "the deed is done late, within the settle delay"),
  },
  {
    name: "compare-and-set: a second upstream id is written over the first",
    file: "src/tenants/mapping.ts",
    find: "WHERE id = ${made.resourceId} AND upstream_id IS NULL AND state <> 'GONE' RETURNING id",
    replace: "WHERE id = ${made.resourceId} AND state <> 'GONE' RETURNING id",
    testFile: "test/tenants/mapping.test.ts",
    test: "recordMade writes the upstream id where there is none, and says so when there is one already",
  },
  {
    name: "trust: whatever bears our marker is taken for ours",
    file: "src/provisioning/trust.ts",
    find: "return distrusts;",
    replace: "return distrusts.slice(0, 0);",
    testFile: "test/provisioning/ambiguity.test.ts",
    test: "a look for what a lost answer may have made never takes a look-alike that we do not own for ours, and leaves it alone",
  },
  {
    name: "fence, the gate: a client whose leave is lost sends",
    file: "src/mem0/request.ts",
    find: "mayLeave: () => this.#gate?.isOpen() !== false,",
    replace: "mayLeave: () => true,",
    testFile: "test/mem0/gate.test.ts",
    test: "a client with a gate sends nothing while it is shut, and says that nothing left",
  },
  {
    // With the gate alone the signal still breaks the call off, so both are taken out at their root.
    name: "fence, the licence: a process that was frozen goes on whatever became of its lease",
    file: "src/work.ts",
    find: "this.#lease = lease;",
    replace: "void lease;",
    testFile: "test/crash/frozen-worker.test.ts",
    test: "a worker that wakes up after a peer has finished its step sends nothing, and ends",
  },
  {
    name: "undoing: only what was done is undone, not whatever started",
    file: "src/provisioning/run-saga.ts",
    find: "if (!run.started.has(step.name) || run.undone.has(step.name)) continue;",
    replace: "if (!run.outputs.has(step.name) || run.undone.has(step.name)) continue;",
    testFile: "test/provisioning/sign-up-faults.test.ts",
    test: "a sign-up whose createOrganization fails after its deed is undone, the deed included",
  },
  {
    name: "proof: a DELETE that was answered counts as GONE",
    file: "src/provisioning/remove-and-prove.ts",
    find: "if (await removal.isGone()) return prove(attemptId);",
    replace: "if ((await removal.isGone()) !== null) return prove(attemptId);",
    testFile: "test/provisioning/offboard-tenant.test.ts",
    test: "a proof of deletion is not had before what was deleted no longer answers",
  },
  {
    name: "lease: who was condemned goes on",
    file: "src/database/executor-lease.ts",
    find: "if (own === undefined || own.condemned) return this.#giveUp();",
    replace: "if (own === undefined) return this.#giveUp();",
    testFile: "test/database/executor-lease.test.ts",
    test: "an executor's lease ends its process when a peer was quicker",
  },
  {
    name: "claim: two processes take the same out of the queue",
    file: "src/tenants/due-operations.ts",
    find: "ORDER BY created_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)",
    replace: "ORDER BY created_at LIMIT ${limit})",
    testFile: "test/properties/claim-queued.test.ts",
    test: "claims of many processes at once never take the same, and together take all",
  },
  {
    name: "lost runs: what failed before it began is not made again",
    file: "src/tenants/due-operations.ts",
    find: '{ status: "QUEUED", claimedAt: { not: null } }',
    replace: '{ status: "QUEUED", claimedAt: { not: null }, id: "none" }',
    testFile: "test/chaos/stranded-runs.test.ts",
    test: "a run that failed before it began, as in an outage of the database, is made again",
  },
  {
    name: "lost runs: what a process began after it was taken over from stays with it",
    file: "src/provisioning/sweep.ts",
    find: "if (executorId !== null && (await wasHandedOver(prisma, executorId))) await engine.handOver(executorId);",
    replace: "",
    testFile: "test/chaos/stranded-runs.test.ts",
    test: "a run that a process began after it was taken over from is handed over all the same",
  },
];

/** What the tests need of the tree; what is generated is there already. */
const parts = ["src", "test", "prisma", "scripts", "docs", "bench", "package.json", "tsconfig.json"];
const moreParts = ["tsconfig.build.json", "vitest.config.ts", "prisma.config.ts", "schema.graphql"];

function copyTree() {
  const copy = mkdtempSync(join(tmpdir(), "loci-mutations-"));
  for (const part of [...parts, ...moreParts]) {
    if (existsSync(join(root, part))) cpSync(join(root, part), join(copy, part), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  return copy;
}

/** Runs these tests alone. Answers the status of each by its full name, and what was said. */
function runTests(copy, chosen) {
  const report = join(copy, "report.json");
  rmSync(report, { force: true });
  const pattern = chosen.map(({ test }) => `^${test.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`).join("|");
  const files = [...new Set(chosen.map(({ testFile }) => testFile))];
  const vitest = join(copy, "node_modules", "vitest", "vitest.mjs");
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [vitest, "run", ...files, "-t", pattern, "--reporter=json", `--outputFile=${report}`],
    { cwd: copy, encoding: "utf8", timeout: runMaxMs, maxBuffer: 64 * 1024 * 1024 },
  );
  const statuses = new Map();
  if (existsSync(report)) {
    for (const { assertionResults } of JSON.parse(readFileSync(report, "utf8")).testResults) {
      for (const { fullName, status } of assertionResults) statuses.set(fullName, status);
    }
  }
  return { statuses, said: `${stdout}${stderr}` };
}

/** The text with the mutation in it. @throws {Error} when the place is not found exactly once */
function mutate(source, { name, file, find, replace }) {
  const places = source.split(find).length - 1;
  if (places !== 1) throw new Error(`"${name}": its text stands ${places} times in ${file}, not once.`);
  return source.replace(find, () => replace);
}

function checkOne(copy, mutation) {
  const file = join(copy, mutation.file);
  const source = readFileSync(file, "utf8");
  writeFileSync(file, mutate(source, mutation));
  try {
    const { statuses, said } = runTests(copy, [mutation]);
    const status = statuses.get(mutation.test);
    if (status === "failed") return "noticed";
    return status === "passed" ? "NOT NOTICED" : `NOT RUN (${status ?? "not found"}):\n${said.slice(-2_000)}`;
  } finally {
    writeFileSync(file, source);
  }
}

function main() {
  const isTextOnly = process.argv.includes("--texts");
  const wanted = process.argv.slice(2).filter((argument) => argument !== "--texts");
  const chosen = mutations.filter(
    ({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
  );
  if (isTextOnly) {
    for (const mutation of chosen) mutate(readFileSync(join(root, mutation.file), "utf8"), mutation);
    process.stdout.write(`All ${chosen.length} mutations find their text.\n`);
    return 0;
  }
  const begun = Date.now();
  const seconds = () => `${Math.round((Date.now() - begun) / 1_000)} s`;
  const copy = copyTree();
  let failures = 0;
  try {
    // Before anything is run: a text that has moved shall not cost minutes to find out.
    for (const mutation of chosen) mutate(readFileSync(join(copy, mutation.file), "utf8"), mutation);
    const { statuses, said } = runTests(copy, chosen);
    const broken = chosen.filter(({ test }) => statuses.get(test) !== "passed");
    for (const { test, testFile } of broken) {
      process.stdout.write(
        `Without any mutation ${statuses.get(test) ?? "not found"}: ${testFile}: ${test}\n`,
      );
    }
    if (broken.length > 0) throw new Error(said.slice(-4_000));
    process.stdout.write(`Without mutations all of these tests pass (${seconds()}).\n\n`);
    for (const mutation of chosen) {
      const result = checkOne(copy, mutation);
      if (result !== "noticed") failures += 1;
      process.stdout.write(
        `${result.padEnd(12)} ${mutation.name}\n${" ".repeat(13)}${mutation.testFile}: ${mutation.test} (${seconds()})\n`,
      );
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
  process.stdout.write(`\n${chosen.length - failures} of ${chosen.length} noticed, in ${seconds()}.\n`);
  return failures === 0 ? 0 : 1;
}

try {
  process.exitCode = main();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

import { z } from "zod";
import type { Bench } from "./bench-world.ts";
import { freshKey, placeInput } from "./place.ts";
import { signUpPlainly } from "./plain-sign-up.ts";
import type { Findings } from "./report.ts";
import { checkSameCalls } from "./same-calls.ts";
import { quantile, shown, summarize } from "./statistics.ts";

/** Goals of the ratio of the function's p50 to that of the plain calls, by latency. */
const goals: Readonly<Record<number, string>> = { 5: "–", 50: "≤ 1.25", 200: "≤ 1.08" };
const latenciesMs = [5, 50, 200] as const;
const roundsMax = 60;
/** Too few rounds say nothing; so many are made however long they take. */
const roundsMin = 5;
const warmUpRounds = 3;

/** The three ways of making a place, each measured in milliseconds. */
interface Round {
  readonly plain: number;
  /** From before `signUpTenant` is called to the commit that makes the tenant ACTIVE. */
  readonly saga: number;
  /** From before the mutation is sent to its answer, which waits for ACTIVE. */
  readonly graphql: number;
}

/**
 * How much longer a sign-up takes than its calls alone: one at a time, in turns, at three latencies. Takes at most about
 * `budgetMs`, unless so few rounds would fit that they said nothing.
 */
export async function measureWallTime(bench: Bench, budgetMs: number): Promise<Findings> {
  const measured = [];
  for (const latencyMs of latenciesMs) {
    await bench.upstream.begin(latencyMs);
    for (let round = 0; round < warmUpRounds; round++) await measureRound(bench, round);
    // Slow answers take more time for as many rounds.
    const shareMs = budgetMs * (latencyMs === 200 ? 0.5 : 0.25);
    const deadline = performance.now() + shareMs;
    const rounds: Round[] = [];
    while (rounds.length < roundsMin || (rounds.length < roundsMax && performance.now() < deadline)) {
      rounds.push(await measureRound(bench, rounds.length));
    }
    measured.push({ latencyMs, rounds });
  }
  await bench.upstream.begin(0);
  await checkSameCalls(bench);
  return describe(measured);
}

/** One of each; who is first changes from round to round, so that no way always follows the same other. */
async function measureRound(bench: Bench, round: number): Promise<Round> {
  const ways = [
    async () => ({ plain: await timed(() => signUpPlainly(bench.upstream)) }),
    async () => ({ saga: await timeSaga(bench) }),
    async () => ({ graphql: await timeGraphql(bench) }),
  ];
  let times: Round = { plain: Number.NaN, saga: Number.NaN, graphql: Number.NaN };
  for (let turn = 0; turn < ways.length; turn++) {
    times = { ...times, ...(await ways[(round + turn) % ways.length]?.()) };
  }
  return times;
}

async function timed(deed: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await deed();
  return performance.now() - begun;
}

async function timeSaga({ loci }: Bench): Promise<number> {
  const begun = performance.now();
  const operationId = await loci.startSignUp();
  const active = await loci.moments.active(operationId);
  // The read-back that follows would disturb what is measured next.
  await loci.moments.end(operationId);
  await loci.untilRecorded(operationId);
  return active - begun;
}

const document = `mutation ($input: SignUpTenantInput!) { signUpTenant(input: $input) { __typename
  ... on SignUpTenantPayload { tenant { status } operation { id } } ... on Error { message } } }`;

const answerSchema = z.object({
  data: z.object({
    signUpTenant: z.object({
      tenant: z.object({ status: z.literal("ACTIVE") }),
      operation: z.object({ id: z.string() }),
    }),
  }),
});

async function timeGraphql({ loci, graphqlPool }: Bench): Promise<number> {
  const key = freshKey();
  const input = { ...placeInput, key, idempotencyKey: key, waitMs: 30_000 };
  const begun = performance.now();
  const answer = await graphqlPool.request({
    method: "POST",
    path: "/graphql",
    headers: { authorization: `Bearer ${loci.token}`, "content-type": "application/json" },
    body: JSON.stringify({ query: document, variables: { input } }),
  });
  const { data } = answerSchema.parse(await answer.body.json());
  const tookMs = performance.now() - begun;
  // The global id of Relay: kind and id in base64.
  const id = Buffer.from(data.signUpTenant.operation.id, "base64").toString().replace("Operation:", "");
  await loci.moments.active(id);
  await loci.moments.end(id);
  await loci.untilRecorded(id);
  return tookMs;
}

function describe(measured: readonly { latencyMs: number; rounds: readonly Round[] }[]): Findings {
  const data = measured.map(({ latencyMs, rounds }) => {
    const of = (way: keyof Round) => summarize(rounds.map((round) => round[way]));
    const [plain, saga, graphql] = [of("plain"), of("saga"), of("graphql")];
    const ratios = rounds.map((round) => round.saga / round.plain);
    return {
      ...{ latencyMs, rounds: rounds.length, plain, saga, graphql },
      sagaRatio: saga.p50 / plain.p50,
      graphqlRatio: graphql.p50 / plain.p50,
      sagaOverheadMs: saga.p50 - plain.p50,
      ratioOfRounds: { p25: quantile(ratios, 0.25), p75: quantile(ratios, 0.75) },
    };
  });
  return {
    tables: [
      {
        caption:
          "A sign-up (settings, one member, one webhook) beside the same calls made plainly; milliseconds, p50 (p10–p90)",
        columns: [
          "upstream",
          "plain calls",
          "saga to ACTIVE",
          "ratio",
          "25–75 % of rounds",
          "goal",
          "GraphQL",
          "ratio",
          "rounds",
        ],
        rows: data.map((row) => [
          `${row.latencyMs} ms`,
          spread(row.plain),
          spread(row.saga),
          shown(row.sagaRatio, 3),
          `${shown(row.ratioOfRounds.p25, 3)}–${shown(row.ratioOfRounds.p75, 3)}`,
          goals[row.latencyMs] ?? "–",
          spread(row.graphql),
          shown(row.graphqlRatio, 3),
          String(row.rounds),
        ]),
      },
    ],
    notes: [
      "Saga: from before signUpTenant() is called to the answered commit of ACTIVE. GraphQL: mutation with waitMs, to its answer.",
      "One at a time, in turns, read-backs waited for and not counted. Ratio: p50 by p50.",
      "The emulator's log of one of each was compared: the same requests with the same bodies.",
    ],
    data,
  };
}

function spread({ p10, p50, p90 }: { p10: number; p50: number; p90: number }): string {
  return `${shown(p50)} (${shown(p10)}–${shown(p90)})`;
}

import { GraphQLClient } from "graphql-request";
import { Pool } from "undici";
import { z } from "zod";
import { rememberForDemo, signUpDemoTenant } from "../examples/demo-tenant.ts";
import type { Bench } from "./bench-world.ts";
import type { Upstream } from "./upstream.ts";

/** Reads of a tenant's memories, each through GraphQL and as the very call of Mem0 that it comes to. */

const userId = "ada";
const memories = 100;
/** As many as the greatest number in flight that is measured, with room. */
const connections = 64;

/** One read, both ways. Each answers when the answer has come and was what it had to be. */
export interface Subject {
  readonly name: string;
  readonly plain: () => Promise<void>;
  readonly graphql: () => Promise<void>;
}

/** The subjects, and what ends their connections. */
export interface Subjects {
  readonly all: readonly Subject[];
  close(): Promise<void>;
}

/** Signs a tenant up with a key and a hundred memories, in an emulator that was just begun anew. */
export async function prepareSubjects({ loci, upstream }: Bench): Promise<Subjects> {
  const client = new GraphQLClient(loci.graphqlUrl, { headers: { authorization: `Bearer ${loci.token}` } });
  const tenantKey = await signUpDemoTenant(client, upstream.url);
  const texts = Array.from({ length: memories }, (_, number) => `Likes tea number ${number}, and a walk.`);
  await rememberForDemo(client, tenantKey, { userId, texts });
  const { keys } = await upstream.control.tables();
  const apiKey = keys.at(-1)?.api_key;
  if (apiKey === undefined) throw new Error("The tenant's key is not there.");
  const pool = new Pool(new URL(loci.graphqlUrl).origin, { connections, pipelining: 1 });
  const ask = (field: string, selection: string, items: number) => {
    const body = JSON.stringify({
      query: `query ($key: String!) { tenant(key: $key) { answer: ${field} { __typename ${selection} } } }`,
      variables: { key: tenantKey },
    });
    return () => askLoci(pool, { token: loci.token, body, items });
  };
  const call = (path: string, body: object, items: number) => {
    const text = JSON.stringify(body);
    return () => callMem0(upstream, { apiKey, path, body: text, items });
  };
  const [filter, filters] = [`filter: { userId: { eq: "${userId}" } }`, { user_id: userId }];
  const fields = "id mem0Id memory userId metadata categories createdAt updatedAt";
  return {
    all: [
      {
        name: "searchMemories",
        graphql: ask(
          `searchMemories(query: "tea", ${filter})`,
          `... on MemorySearch { answers: results { score memory { ${fields} } } }`,
          10,
        ),
        plain: call("/v3/memories/search/", { query: "tea", filters, top_k: 10, threshold: 0.1 }, 10),
      },
      {
        name: "memories(first: 20)",
        graphql: ask(
          `memories(${filter}, first: 20)`,
          `... on MemoryConnection { answers: edges { cursor node { ${fields} } } pageInfo { hasNextPage endCursor } }`,
          20,
        ),
        plain: call("/v3/memories/?page=1&page_size=20", { filters }, 20),
      },
    ],
    close: () => pool.destroy(),
  };
}

const lociAnswer = z.object({
  data: z.object({ tenant: z.object({ answer: z.object({ answers: z.array(z.unknown()) }) }) }),
  extensions: z.object({ upstream: z.object({ calls: z.literal(1) }) }),
});

async function askLoci(
  pool: Pool,
  { token, body, items }: { readonly token: string; readonly body: string; readonly items: number },
): Promise<void> {
  const answer = await pool.request({
    method: "POST",
    path: "/graphql",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body,
  });
  const { data } = lociAnswer.parse(await answer.body.json());
  expectItems(data.tenant.answer.answers, items);
}

const mem0Answer = z.object({ results: z.array(z.unknown()) });

async function callMem0(
  { pool }: Upstream,
  request: {
    readonly apiKey: string;
    readonly path: string;
    readonly body: string;
    readonly items: number;
  },
): Promise<void> {
  const { apiKey, path, body, items } = request;
  const answer = await pool.request({
    method: "POST",
    path,
    headers: {
      authorization: `Token ${apiKey}`,
      accept: "application/json",
      "user-agent": "loci",
      "content-type": "application/json",
    },
    body,
  });
  expectItems(mem0Answer.parse(await answer.body.json()).results, items);
}

function expectItems(found: readonly unknown[], items: number): void {
  if (found.length !== items) throw new Error(`${found.length} memories came instead of ${items}.`);
}

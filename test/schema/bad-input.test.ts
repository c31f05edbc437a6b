import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { freshKey, offboard, retry, settled, signUp } from "../main-job.ts";
import { createWorld, type World } from "../world.ts";

let world: World;
let before: unknown;

beforeAll(async () => {
  world = await createWorld();
  await world.emulator.registerUser("ada@acme.test");
  // Something for off-boardings and retries to be refused on.
  await signUp(world, { key: "there" });
  await settled(world, "there");
});

afterAll(async () => {
  await world?.close();
});

/** Every row that a mutation could write, ours and the engine's, and every request it could have sent. */
async function traces() {
  const { prisma, emulator } = world;
  const runs = await prisma.$queryRaw<{ count: bigint }[]>`SELECT count(*) FROM dbos.workflow_status`;
  return {
    tenants: await prisma.tenant.count(),
    operations: await prisma.operation.count(),
    steps: await prisma.operationStep.count(),
    resources: await prisma.resource.count(),
    attempts: await prisma.attempt.count(),
    runs: Number(runs[0]?.count),
    requests: (await emulator.requests()).requests,
  };
}

beforeEach(async () => {
  await world.emulator.clearRequests();
  before = await traces();
});

async function expectNoTraces() {
  // A sweep would start what was written, had anything been.
  await world.sweep();
  expect(await traces()).toEqual(before);
}

describe("an input that breaks a rule", () => {
  afterEach(expectNoTraces);

  const hook = { url: "https://acme.test/hook", eventTypes: ["MEMORY_ADD"] };
  const ada = { email: "ada@acme.test" };
  const category = { name: "work", description: "What they do" };

  it.each<[string, string, object]>([
    ["an empty key", "key", { key: "" }],
    ["a key of 129 characters", "key", { key: "k".repeat(129) }],
    ["a key with a space", "key", { key: "a b" }],
    ["a key with a slash", "key", { key: "a/b" }],
    ["a key with a line's end", "key", { key: "acme\n" }],
    ["a key that begins with a hyphen", "key", { key: "-acme" }],
    ["a key that ends with a dot", "key", { key: "acme." }],
    ["a key with other letters than ASCII's", "key", { key: "ácme" }],
    ["an empty name", "name", { name: "" }],
    ["a name of spaces", "name", { name: "  " }],
    ["a name of 256 letters", "name", { name: "n".repeat(256) }],
    ["a name of 256 emoji", "name", { name: "🦉".repeat(256) }],
    ["a name with a line's end", "name", { name: "Ac\nme" }],
    ["a name with a NUL", "name", { name: "Ac\u0000me" }],
    ["a name with half an emoji", "name", { name: "Ac\ud83eme" }],
    ["an empty idempotency key", "idempotencyKey", { idempotencyKey: "" }],
    ["an idempotency key of 256 characters", "idempotencyKey", { idempotencyKey: "i".repeat(256) }],
    ["an idempotency key with a space", "idempotencyKey", { idempotencyKey: "a b" }],
    ["an idempotency key beyond ASCII", "idempotencyKey", { idempotencyKey: "ä" }],
    ["a wait of less than nothing", "waitMs", { waitMs: -1 }],
    ["a wait of more than a minute", "waitMs", { waitMs: 60_001 }],
    ["an e-mail without an @", "members.0.email", { members: [{ email: "ada.acme.test" }] }],
    ["an e-mail without a domain", "members.1.email", { members: [ada, { email: "bob@" }] }],
    ["an e-mail with a space", "members.0.email", { members: [{ email: "ada @acme.test" }] }],
    ["an e-mail with a name before it", "members.0.email", { members: [{ email: "Ada <ada@acme.test>" }] }],
    [
      "an e-mail of 255 characters",
      "members.0.email",
      { members: [{ email: `${"a".repeat(245)}@acme.test` }] },
    ],
    ["an e-mail twice", "members.1.email", { members: [ada, ada] }],
    ["an e-mail twice in another case", "members.1.email", { members: [ada, { email: "ADA@Acme.Test" }] }],
    ["Loci's own account", "members.1.email", { members: [ada, { email: "Platform@Loci.Test" }] }],
    [
      "101 members",
      "members",
      { members: Array.from({ length: 101 }, (_, i) => ({ email: `m${i}@acme.test` })) },
    ],
    ["a webhook that is no URL", "webhooks.0.url", { webhooks: [{ ...hook, url: "acme.test/hook" }] }],
    ["a webhook by ftp", "webhooks.0.url", { webhooks: [{ ...hook, url: "ftp://acme.test/hook" }] }],
    ["a webhook by http", "webhooks.0.url", { webhooks: [{ ...hook, url: "http://acme.test/hook" }] }],
    [
      "a webhook by http in a private net",
      "webhooks.0.url",
      { webhooks: [{ ...hook, url: "http://10.0.0.1/hook" }] },
    ],
    [
      "a webhook with a user",
      "webhooks.0.url",
      { webhooks: [{ ...hook, url: "https://ada@acme.test/hook" }] },
    ],
    [
      "a webhook with a password",
      "webhooks.0.url",
      { webhooks: [{ ...hook, url: "https://:pw@acme.test/hook" }] },
    ],
    [
      "a webhook's URL with a space before it",
      "webhooks.0.url",
      { webhooks: [{ ...hook, url: " https://acme.test/hook" }] },
    ],
    [
      "a webhook's URL with a line's end in it",
      "webhooks.0.url",
      { webhooks: [{ ...hook, url: "https://acme.test/ho\nok" }] },
    ],
    [
      "a webhook's URL with a NUL",
      "webhooks.0.url",
      { webhooks: [{ ...hook, url: "https://acme.test/\u0000" }] },
    ],
    [
      "a webhook's URL of 2001 characters",
      "webhooks.0.url",
      { webhooks: [{ ...hook, url: `https://acme.test/${"h".repeat(1983)}` }] },
    ],
    [
      "a webhook's URL twice",
      "webhooks.1.url",
      { webhooks: [hook, { ...hook, eventTypes: ["MEMORY_DELETE"] }] },
    ],
    [
      "a webhook's name twice",
      "webhooks.1.name",
      {
        webhooks: [
          { ...hook, name: "w" },
          { ...hook, url: "https://b.test/", name: "w" },
        ],
      },
    ],
    [
      "a webhook's name that another has by default",
      "webhooks.1.name",
      {
        webhooks: [
          { ...hook, name: "webhook-2" },
          { ...hook, url: "https://b.test/" },
        ],
      },
    ],
    ["a webhook's name that is empty", "webhooks.0.name", { webhooks: [{ ...hook, name: "" }] }],
    [
      "a webhook's name of 101 characters",
      "webhooks.0.name",
      { webhooks: [{ ...hook, name: "w".repeat(101) }] },
    ],
    ["a webhook for nothing", "webhooks.0.eventTypes", { webhooks: [{ ...hook, eventTypes: [] }] }],
    [
      "a webhook for an event twice",
      "webhooks.0.eventTypes",
      { webhooks: [{ ...hook, eventTypes: ["MEMORY_ADD", "MEMORY_ADD"] }] },
    ],
    [
      "21 webhooks",
      "webhooks",
      { webhooks: Array.from({ length: 21 }, (_, i) => ({ ...hook, url: `https://acme.test/${i}` })) },
    ],
    [
      "instructions of 20001 characters",
      "settings.customInstructions",
      { settings: { customInstructions: "i".repeat(20_001) } },
    ],
    [
      "instructions with a NUL",
      "settings.customInstructions",
      { settings: { customInstructions: "a\u0000b" } },
    ],
    [
      "instructions with half an emoji",
      "settings.customInstructions",
      { settings: { customInstructions: "a\ud83e" } },
    ],
    [
      "agents' instructions of 20001 characters",
      "settings.agentCustomInstructions",
      { settings: { agentCustomInstructions: "i".repeat(20_001) } },
    ],
    [
      "agents' instructions with a NUL",
      "settings.agentCustomInstructions",
      { settings: { agentCustomInstructions: "\u0000" } },
    ],
    [
      "a category without a name",
      "settings.customCategories.0.name",
      { settings: { customCategories: [{ ...category, name: "" }] } },
    ],
    [
      "a category's description of 1001 characters",
      "settings.customCategories.1.description",
      { settings: { customCategories: [category, { name: "x", description: "d".repeat(1_001) }] } },
    ],
    [
      "101 categories",
      "settings.customCategories",
      {
        settings: {
          customCategories: Array.from({ length: 101 }, (_, i) => ({ ...category, name: `c${i}` })),
        },
      },
    ],
  ])("is refused by its field, and leaves no trace: %s", async (_what, field, input) => {
    const answer = await signUp(world, { key: freshKey(), ...input });
    expect(answer).toMatchObject({ __typename: "InvalidInput", code: "INVALID_INPUT", retryable: false });
    // A field may break two rules at once: an empty one is too short, and nothing printable either.
    expect(new Set(answer.problems?.map((problem) => problem.field))).toEqual(new Set([field]));
    expect(answer.message).toContain(field);
  });

  it("is told of all its faults at once", async () => {
    const input = {
      key: " ",
      name: "",
      idempotencyKey: "",
      waitMs: -1,
      members: [{ email: "x" }],
      webhooks: [{ ...hook, url: "x" }],
    };
    const { problems } = await signUp(world, input);
    expect(new Set(problems?.map((problem) => problem.field))).toEqual(
      new Set(["key", "name", "idempotencyKey", "waitMs", "members.0.email", "webhooks.0.url"]),
    );
  });

  it.each<[string, object, RegExp]>([
    ["a role there is not", { members: [{ ...ada, role: "ADMIN" }] }, /"ADMIN" at "input.members\[0\].role"/],
    [
      "an event type there is not",
      { webhooks: [{ ...hook, eventTypes: ["MEMORY_READ"] }] },
      /"MEMORY_READ" at "input.webhooks\[0\].eventTypes\[0\]"/,
    ],
    ["a policy there is not", { onUnknownMember: "IGNORE" }, /"IGNORE" at "input.onUnknownMember"/],
    ["a field there is not", { plan: "gold" }, /"plan"/],
    ["a field there is not, further in", { settings: { colour: "red" } }, /at "input.settings".*"colour"/],
    ["a number for a name", { name: 7 }, /7 at "input.name"/],
    ["half a millisecond", { waitMs: 1.5 }, /1.5 at "input.waitMs"/],
    ["no name", { name: null }, /null at "input.name"/],
    ["a member without an e-mail", { members: [{ role: "READER" }] }, /at "input.members\[0\]".*"email"/],
  ])("is refused by GraphQL itself, which names it, and leaves no trace: %s", async (_what, input, words) => {
    await expect(signUp(world, { key: freshKey(), ...input })).rejects.toThrow(words);
  });

  it.each<[string, object]>([
    ["key", { key: "a b" }],
    ["idempotencyKey", { idempotencyKey: "a b" }],
    ["waitMs", { waitMs: 60_001 }],
  ])("is refused by an off-boarding, too: %s", async (field, input) => {
    const answer = await offboard(world, { key: "there", ...input });
    expect(answer.__typename).toBe("InvalidInput");
    expect(answer.problems?.map((problem) => problem.field)).toEqual([field]);
  });

  it.each(["Operation:op_\u0000", "Tenant:tnt_\u0000", "ProjectKey:key_\u0000"])(
    "is no fault of ours as a global id that no database can look for: %j",
    async (text) => {
      const id = Buffer.from(text).toString("base64");
      for (const document of [
        "query ($id: ID!) { operation(id: $id) { id } }",
        "query ($id: ID!) { node(id: $id) { id } }",
      ]) {
        await expect(world.send(document, { id })).rejects.toThrow("Invalid global ID");
      }
    },
  );

  it("is refused by a retry, too, and so are ids of nothing and of something else", async () => {
    const { tenant } = await world.send<{ tenant: { id: string } }>('{ tenant(key: "there") { id } }');
    expect(await retry(world, tenant.id)).toMatchObject({ __typename: "OperationNotFound" });
    const nobody = Buffer.from("Operation:op_nobody").toString("base64");
    expect(await retry(world, nobody)).toMatchObject({ __typename: "OperationNotFound" });
    const document = `mutation ($id: ID!) { retryOperation(input: { id: $id, waitMs: -1 }) {
      __typename ... on InvalidInput { problems { field } } } }`;
    expect(await world.send(document, { id: nobody })).toEqual({
      retryOperation: { __typename: "InvalidInput", problems: [{ field: "waitMs" }] },
    });
  });
});

describe("an input at the very edge of the rules", () => {
  it("is taken", async () => {
    const answer = await signUp(world, {
      key: `e${"._:-".repeat(31)}xyz`,
      name: "🦉".repeat(255),
      idempotencyKey: "~".repeat(255),
      members: [{ email: `${"a".repeat(64)}@${"d".repeat(63)}.${"e".repeat(63)}.${"f".repeat(54)}.test` }],
      webhooks: [
        { name: "w".repeat(100), url: `https://acme.test/${"h".repeat(1_982)}`, eventTypes: ["MEMORY_ADD"] },
        { url: "http://127.0.0.1:9/hook", eventTypes: ["MEMORY_UPDATE", "MEMORY_DELETE"] },
      ],
      settings: { customInstructions: `${"i".repeat(19_997)}\n🦉`, customCategories: [] },
    });
    expect(answer).toMatchObject({ __typename: "SignUpTenantPayload", tenant: { status: "ACTIVE" } });
    await settled(world, answer.tenant?.key ?? "");
  });
});

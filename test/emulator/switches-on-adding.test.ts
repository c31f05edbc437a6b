import { expect } from "vitest";
import { bothWays } from "./both-ways.ts";
import { alice, tell, texts } from "./memory-calls.ts";
import { remember } from "./remember.ts";
import { type Rig, until } from "./rig.ts";

const path = "/v3/memories/add/";

async function addTwo(rig: Rig, content: unknown) {
  const messages = [content, "Likes tea"].map((said) => ({ role: "user", content: said }));
  const { status } = await rig.call("POST", path, { messages, ...alice, infer: false });
  return [status, await texts(rig)];
}

bothWays("blankContent", {
  refuse: ["refuses the add", async (rig) => expect(await addTwo(rig, "  ")).toEqual([400, []])],
  skip: [
    "passes over the message",
    async (rig) => expect(await addTwo(rig, "  ")).toEqual([200, ["Likes tea"]]),
  ],
});

const picture = { type: "image_url", image_url: { url: "https://acme.test/a.png" } };

bothWays("structuredImport", {
  refuse: ["refuses the import", async (rig) => expect(await addTwo(rig, picture)).toEqual([400, []])],
  skip: [
    "passes over the message",
    async (rig) => expect(await addTwo(rig, [picture])).toEqual([200, ["Likes tea"]]),
  ],
});

const filters = { AND: [{ user_id: "alice" }] };

bothWays("addHeedsFilters", {
  false: [
    "takes no id out of an add's filters, which are tolerated",
    async (rig) => {
      expect((await tell(rig, "Likes tea", { filters })).status).toBe(400);
      expect((await tell(rig, "Likes tea", { filters, user_id: "bob" })).status).toBe(200);
      expect(await texts(rig)).toEqual([]);
    },
  ],
  true: [
    "reads the ids there where they are not beside them",
    async (rig) => {
      expect((await tell(rig, "Likes tea", { filters })).status).toBe(200);
      await tell(rig, "Likes rum", { filters: { user_id: "carl" }, user_id: "bob" });
      expect([await texts(rig), await texts(rig, { user_id: "carl" })]).toEqual([["Likes tea"], []]);
    },
  ],
});

const queued = "Memory processing has been queued for background execution";

bothWays("addAnswerHasMessage", {
  false: [
    "answers status and event alone",
    async (rig) =>
      expect(Object.keys((await tell(rig, "Likes tea")).body as object).toSorted()).toEqual([
        "event_id",
        "status",
      ]),
  ],
  true: [
    "answers a message too",
    async (rig) =>
      expect((await tell(rig, "Likes tea")).body).toMatchObject({ message: queued, status: "PENDING" }),
  ],
});

bothWays("malformedExpirationDate", {
  refuse: [
    "refuses a date that is none",
    async (rig) =>
      expect((await tell(rig, "Likes tea", { ...alice, expiration_date: "soon" })).status).toBe(400),
  ],
  keep: [
    "keeps it, and never hides the memory",
    async (rig) => {
      const id = await remember(rig, "Likes tea", { ...alice, expiration_date: "2020-13-01" });
      expect((await rig.call("GET", `/v1/memories/${id}/`)).body).toMatchObject({
        expiration_date: "2020-13-01",
      });
      expect(await texts(rig)).toEqual(["Likes tea"]);
      await rig.call("PUT", `/v1/memories/${id}/`, { expiration_date: "2020-01-01" });
      expect(await texts(rig)).toEqual([]);
    },
  ],
});

interface Profile {
  readonly status: string;
  readonly generation_count: number;
  readonly profile: { readonly facts?: readonly string[] };
}

async function profileAfter(rig: Rig, messages: number): Promise<Profile> {
  await rig.call("POST", "/v2/profiles/settings/", { enabled: true });
  await rig.switches({ profileDelayMs: 0 });
  for (let index = 1; index <= messages; index += 1) await remember(rig, `Fact ${index}`);
  return readProfile(rig);
}

async function readProfile(rig: Rig): Promise<Profile> {
  return (await rig.call("GET", "/v2/entities/user/alice/profile/")).body as Profile;
}

bothWays("profileAutoMessages", {
  5: [
    "generates a user's profile with his fifth message, and none before",
    async (rig) => {
      expect(await profileAfter(rig, 4)).toMatchObject({ status: "insufficient_data", profile: {} });
      await remember(rig, "A stranger's", { user_id: "bob" });
      await remember(rig, "Fact 5");
      const { status, generation_count, profile } = await readProfile(rig);
      expect([status, generation_count]).toEqual(["succeeded", 1]);
      expect(profile.facts).toEqual(["Fact 5", "Fact 4", "Fact 3", "Fact 2", "Fact 1"]);
    },
  ],
  2: [
    "generates it with the second, anew with the fourth, and says so while it is at work",
    async (rig) => {
      expect(await profileAfter(rig, 3)).toMatchObject({ status: "succeeded", generation_count: 1 });
      await rig.switches({ profileDelayMs: 300 });
      await remember(rig, "Likes tea");
      expect(await readProfile(rig)).toMatchObject({ status: "pending", generation_count: 1 });
      await until(async () => (await readProfile(rig)).status === "succeeded");
      expect(await readProfile(rig)).toMatchObject({ generation_count: 2 });
    },
  ],
  0: [
    "never does",
    async (rig) => expect(await profileAfter(rig, 12)).toMatchObject({ status: "insufficient_data" }),
  ],
});

async function profileOf(rig: Rig, name: string) {
  await rig.call("POST", "/v2/profiles/settings/", { enabled: true });
  await remember(rig, "Likes tea");
  const { status, body } = await rig.call("GET", `/v2/entities/user/${name}/profile/`);
  return [status, (body as { status?: string }).status];
}

bothWays("unknownUserProfile", {
  404: [
    "is a 404 for a user nobody knows",
    async (rig) => expect(await profileOf(rig, "nobody")).toEqual([404, undefined]),
  ],
  insufficient_data: [
    "answers that there is too little to say",
    async (rig) => expect(await profileOf(rig, "nobody")).toEqual([200, "insufficient_data"]),
  ],
});

bothWays("profileNotGenerated", {
  insufficient_data: [
    "says of a profile that was never generated that there is too little to say",
    async (rig) => expect(await profileOf(rig, "alice")).toEqual([200, "insufficient_data"]),
  ],
  pending: [
    "says that it is still to come",
    async (rig) => expect(await profileOf(rig, "alice")).toEqual([200, "pending"]),
  ],
});

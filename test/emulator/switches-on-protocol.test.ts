import { expect } from "vitest";
import { bothWays, type Way } from "./both-ways.ts";
import { newPlace } from "./place.ts";
import { organizationsPath, type Rig } from "./rig.ts";

const invalidKey = {
  detail: "Invalid API key. You can find your API key on https://app.mem0.ai/dashboard/api-keys.",
};
const notProvided = { detail: "Authentication credentials were not provided." };

/** How long a ping takes; milliseconds. */
async function pingMs(rig: Rig): Promise<number> {
  await rig.ping();
  const startedMs = performance.now();
  await rig.ping();
  return performance.now() - startedMs;
}

bothWays("latencyMs", {
  0: [
    "answers at once",
    async (rig) => {
      expect(await pingMs(rig)).toBeLessThan(1000);
    },
  ],
  1200: [
    "answers so much later",
    async (rig) => {
      expect(await pingMs(rig)).toBeGreaterThanOrEqual(1199);
    },
  ],
});

const slashless = (status: number): Way => [
  `answers ${status}, and nothing is done`,
  async (rig) => {
    const reply = await rig.call("POST", organizationsPath.slice(0, -1), { name: "x" });
    expect(reply.status).toBe(status);
    expect(reply.headers.get("location")).toBe(status === 301 ? organizationsPath : null);
    expect((await rig.tables()).organizations).toHaveLength(1);
  },
];
bothWays("slashlessWrite", { "301": slashless(301), "404": slashless(404) });

const unknown = (status: number, body: unknown): Way => [
  `answers ${status}`,
  async (rig) => {
    const reply = await rig.call("GET", "/v9/nothing/");
    expect(reply.status).toBe(status);
    expect(reply.body).toEqual(body);
  },
];
bothWays("unknownPath", {
  "501": unknown(501, { detail: "The emulator has not built GET /v9/nothing/.", not_built: true }),
  "404-json": unknown(404, { detail: "Not found." }),
  "404-html": unknown(404, expect.stringContaining("<!doctype html>")),
});

const withoutKey = (status: number, body: unknown): Way => [
  `refuses with ${status} who shows no key`,
  async (rig) => {
    expect(await rig.send("/v1/ping/", {})).toMatchObject({ status, body });
    expect(await rig.call("GET", "/v1/ping/")).toMatchObject({ status: 200 });
  },
];
bothWays("missingCredentials", {
  "401": withoutKey(401, notProvided),
  "401-invalid-key": withoutKey(401, invalidKey),
  "403": withoutKey(403, notProvided),
});

bothWays("headAnswered", {
  true: [
    "answers HEAD as GET, without a body",
    async (rig) => {
      expect(await rig.call("HEAD", "/v1/ping/")).toMatchObject({ status: 200, text: "" });
    },
  ],
  false: [
    "answers HEAD with 405",
    async (rig) => {
      const reply = await rig.call("HEAD", "/v1/ping/");
      expect(reply.status).toBe(405);
      expect(reply.headers.get("allow")).toBe("GET");
    },
  ],
});

bothWays("optionsAnswered", {
  true: [
    "describes the path and its methods",
    async (rig) => {
      const { organization } = await newPlace(rig);
      const reply = await rig.call("OPTIONS", organization);
      expect(reply.status).toBe(200);
      expect(reply.headers.get("allow")).toBe("GET, DELETE, OPTIONS");
      expect(reply.body).toMatchObject({ parses: ["application/json"] });
      expect(await rig.send(organization, { method: "OPTIONS" })).toMatchObject({ status: 401 });
    },
  ],
  false: [
    "answers OPTIONS with 405",
    async (rig) => {
      expect(await rig.call("OPTIONS", organizationsPath)).toMatchObject({ status: 405 });
    },
  ],
});

const deleting = (status: number, body: unknown): Way => [
  `answers a deletion with ${status}, and it is done`,
  async (rig) => {
    const { organization } = await newPlace(rig);
    const reply = await rig.call("DELETE", organization);
    expect(reply.status).toBe(status);
    expect(reply.body).toEqual(body);
    expect(await rig.call("GET", organization)).toMatchObject({ status: 404 });
    expect(await rig.call("DELETE", organization)).toMatchObject({ status: 404 });
  },
];
bothWays("deletionAnswers204", {
  true: deleting(204, ""),
  false: deleting(200, { message: "Organization deleted successfully!" }),
});

const plain = (status: number): Way => [
  `answers ${status} to JSON that calls itself text`,
  async (rig) => {
    const headers = { authorization: `Token ${rig.apiKey}`, "content-type": "text/plain" };
    const init = { method: "POST", headers, body: '{"name": "x"}' };
    expect((await rig.send(organizationsPath, init)).status).toBe(status);
  },
];
bothWays("mediaTypeMatters", { true: plain(415), false: plain(201) });

const bodyOf = (bytes: number): object => ({ name: "n", source: "s".repeat(bytes) });
bothWays("bodyBytesMax", {
  2500000: [
    "takes a body of two million bytes, and none of three",
    async (rig) => {
      expect(await rig.call("POST", organizationsPath, bodyOf(2_000_000))).toMatchObject({ status: 201 });
      expect(await rig.call("POST", organizationsPath, bodyOf(3_000_000))).toMatchObject({ status: 413 });
    },
  ],
  1000: [
    "takes a body of 900 bytes, and none of 1100; its own control plane takes it",
    async (rig) => {
      expect(await rig.call("POST", organizationsPath, bodyOf(900))).toMatchObject({ status: 201 });
      expect(await rig.call("POST", organizationsPath, bodyOf(1100))).toMatchObject({
        status: 413,
        body: { detail: "The body has more than 1000 bytes" },
      });
      await rig.control("POST", "organizations", { name: "x".repeat(1100), owner_email: "ada@acme.test" });
    },
  ],
});

import { describe, expect, it } from "vitest";
import { noticeText } from "../../src/emulator/notice.ts";
import { organizationsPath, startRig } from "./rig.ts";

const header = "x-mem0-notice-message";

describe("the switch mem0Notice", () => {
  it("puts the notice into an object, and into the first element of an array", async () => {
    const rig = await startRig({ switches: { mem0Notice: "body" } });
    await rig.createOrganization();
    const ping = await rig.call("GET", "/v1/ping/");
    expect(ping.body).toMatchObject({ status: "ok", mem0_notice: noticeText });
    expect(ping.headers.has(header)).toBe(false);
    const list = (await rig.call("GET", organizationsPath)).body as Record<string, unknown>[];
    expect(list.map((item) => item["mem0_notice"])).toEqual([noticeText, undefined]);
  });

  it("puts it into a header, which an empty list has too", async () => {
    const rig = await startRig({ switches: { mem0Notice: "header" } });
    const { project_id, ...ping } = await rig.ping();
    expect(ping).not.toHaveProperty("mem0_notice");
    const list = await rig.call("GET", rig.webhooksPath(project_id));
    expect(list.headers.get(header)).toBe(noticeText);
    await rig.switches({ mem0Notice: "both" });
    const both = await rig.call("GET", rig.webhooksPath(project_id));
    expect(both.headers.get(header)).toBe(noticeText);
    expect(both.body).toEqual([]);
    expect(await rig.ping()).toHaveProperty("mem0_notice", noticeText);
  });

  it("leaves refusals alone, and everything when it is none", async () => {
    const rig = await startRig({ switches: { mem0Notice: "both" } });
    const refused = await rig.call("GET", rig.organizationPath("org_unknown"));
    expect(refused.body).toEqual({ message: "Organization not found" });
    expect(refused.headers.has(header)).toBe(false);
    await rig.switches({ mem0Notice: "none" });
    const ping = await rig.call("GET", "/v1/ping/");
    expect(ping.body).not.toHaveProperty("mem0_notice");
    expect(ping.headers.has(header)).toBe(false);
  });
});

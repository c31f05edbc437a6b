import type { Tables } from "../emulator-control.ts";
import type { Random } from "./random.ts";

/** A person that Mem0 knows, and one that it does not. */
export const knownEmail = "ada@chaos.test";
const unknownEmail = "nobody@chaos.test";

/** What a sign-up asks for besides its name. */
export interface AskedPlace {
  readonly settings?: { readonly customInstructions: string; readonly decay: boolean };
  readonly members?: readonly { readonly email: string; readonly role?: string }[];
  readonly webhooks?: readonly { readonly url: string; readonly eventTypes: readonly string[] }[];
}

/** How many have somebody among their members whom Mem0 does not know. He is tried again and again, which is work, too. */
const strangerShare = 0.05;

/** Draws a place: each kind of thing is in it or is not. */
export function drawPlace(key: string, random: Random): AskedPlace {
  const hooks = Math.floor(random.between(0, 4));
  const hasStranger = random.happens(strangerShare);
  return {
    ...(random.happens(0.5) ? { settings: { customInstructions: `Be brief, ${key}.`, decay: true } } : {}),
    ...(random.happens(0.5)
      ? { members: [{ email: knownEmail }, ...(hasStranger ? [{ email: unknownEmail, role: "OWNER" }] : [])] }
      : {}),
    ...(hooks > 0
      ? {
          webhooks: Array.from({ length: hooks }, (_, index) => ({
            url: `https://chaos.test/${key}/${index}`,
            eventTypes: ["MEMORY_ADD"],
          })),
        }
      : {}),
  };
}

/** What a tenant's place is not upstream that it should be, in words. `orgId` and `projectId`: what the mapping holds. */
export function differencesOf(
  asked: AskedPlace,
  { orgId, projectId }: { readonly orgId: string; readonly projectId: string },
  tables: Tables,
): string[] {
  const organization = tables.organizations.find(({ org_id }) => org_id === orgId);
  const project = tables.projects.find(({ project_id }) => project_id === projectId);
  if (organization === undefined || project === undefined)
    return ["its organization or project is not there"];
  const differences: string[] = [];
  const { settings, members = [], webhooks = [] } = asked;
  if (project.custom_instructions !== (settings?.customInstructions ?? null)) {
    differences.push("its instructions differ");
  }
  if (settings?.decay === true && !project.decay) differences.push("its decay differs");
  const wanted = members.filter(({ email }) => email === knownEmail).length;
  for (const [what, place] of [
    ["organization", organization],
    ["project", project],
  ] as const) {
    const found = place.members.filter(({ email }) => email === knownEmail).length;
    if (found !== wanted) differences.push(`${knownEmail} is ${found} times in its ${what}`);
  }
  const urls = tables.webhooks.filter(({ project_id }) => project_id === projectId).map(({ url }) => url);
  const wantedUrls = webhooks.map(({ url }) => url);
  if (urls.toSorted().join() !== wantedUrls.toSorted().join()) {
    differences.push(`its webhooks are ${urls.join(", ") || "none"}`);
  }
  return differences;
}

import pLimit from "p-limit";
import { vi } from "vitest";
import { EmulatorControl, type SeenRequest } from "../emulator-control.ts";
import type { LociProcess } from "../loci-process.ts";

/** An e-mail that the fleet's emulator knows, and one that nobody there has. */
const knownEmail = "ada@fleet.test";
const unknownEmail = "nobody@fleet.test";

const settings = { customInstructions: "Be brief.", decay: true };
const members = [{ email: knownEmail }, { email: unknownEmail, role: "OWNER" }];
const webhooks = [
  { url: "https://fleet.test/adds", eventTypes: ["MEMORY_ADD"] },
  { url: "https://fleet.test/deletes", eventTypes: ["MEMORY_DELETE", "MEMORY_UPDATE"] },
];

/** What the sign-ups ask for, in turn: nothing, each kind of thing alone, everything. */
const places = [{}, { settings }, { members }, { webhooks }, { settings, members, webhooks }] as const;

/** Answered by a mutation that started something. */
interface Started {
  readonly __typename: string;
  readonly message?: string;
}

/** How many callers ask at once. More would wait for each other, and on a busy machine too long. */
const callersAtOnce = 10;

/** The keys `<name>-01`, `<name>-02` … */
export function keysOf(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name}-${String(index + 1).padStart(2, "0")}`);
}

/** Makes an emulator ready for a fleet: every answer comes `latencyMs` after the deed, so that kills land in between. */
export async function prepareEmulator(
  { mem0Url }: Pick<LociProcess, "mem0Url">,
  latencyMs: number,
): Promise<void> {
  const emulator = new EmulatorControl(mem0Url);
  await emulator.registerUser(knownEmail);
  await emulator.setSwitches({ latencyMs });
}

/** Signs all these keys up, and answers when every sign-up is accepted. Places differ from key to key. */
export async function signUpAll(
  loci: Pick<LociProcess, "send">,
  keys: readonly string[],
  waitMs = 0,
): Promise<void> {
  const limit = pLimit(callersAtOnce);
  await Promise.all(
    keys.map((key, index) =>
      limit(async () => {
        const place = places[index % places.length];
        const { signUpTenant } = await loci.send<{ signUpTenant: Started }>(
          `mutation ($input: SignUpTenantInput!) {
            signUpTenant(input: $input) { __typename ... on Error { message } }
          }`,
          { input: { key, name: key, idempotencyKey: `sign-up-${key}`, waitMs, ...place } },
        );
        checkStarted(signUpTenant, "SignUpTenantPayload");
      }),
    ),
  );
}

/** Off-boards all these keys, and answers when every off-boarding is accepted. */
export async function offboardAll(loci: Pick<LociProcess, "send">, keys: readonly string[]): Promise<void> {
  const limit = pLimit(callersAtOnce);
  await Promise.all(
    keys.map((key) =>
      limit(async () => {
        const { offboardTenant } = await loci.send<{ offboardTenant: Started }>(
          `mutation ($input: OffboardTenantInput!) {
            offboardTenant(input: $input) { __typename ... on Error { message } }
          }`,
          { input: { key, idempotencyKey: `offboard-${key}` } },
        );
        checkStarted(offboardTenant, "OffboardTenantPayload");
      }),
    ),
  );
}

function checkStarted({ __typename, message }: Started, expected: string): void {
  if (__typename !== expected) throw new Error(`Refused: ${__typename}: ${message}`);
}

/** Waits until the emulator has seen this many requests since its log was last cleared. */
export async function untilRequestsSeen(mem0Url: string, count: number): Promise<void> {
  await untilRequests(mem0Url, (requests) => requests.length >= count);
}

/** Waits until so many requests of this method are without an answer. */
export async function untilUnanswered(mem0Url: string, method: string, count: number): Promise<void> {
  // Adding a member is a POST too, but makes nothing that could be made twice: it has no attempt, and does not count.
  const isUnanswered = (request: SeenRequest) =>
    request.method === method && request.answeredAtMs === null && !request.path.endsWith("/members/");
  await untilRequests(mem0Url, (requests) => requests.filter(isUnanswered).length >= count);
}

/**
 * Kills Loci with -9 when so many of its requests of this method were done and have not been answered. They are the
 * ones that matter: nobody knows then what became of them.
 */
export async function killUnanswered(
  loci: Pick<LociProcess, "mem0Url" | "kill9">,
  method: string,
  count: number,
): Promise<void> {
  const emulator = new EmulatorControl(loci.mem0Url);
  // On a busy machine few answers are awaited at any one moment; so from here on those of this method come late. The
  // others go on: were they late too, what is about to send such a request would wait for them. The next process's
  // emulator has forgotten the fault.
  const late = { kind: "slow", ms: 60_000, when: "after" } as const;
  await emulator.failNext({ match: { method }, fault: late, count: 1_000 });
  await untilUnanswered(loci.mem0Url, method, count);
  await loci.kill9();
}

async function untilRequests(
  mem0Url: string,
  isMet: (requests: readonly SeenRequest[]) => boolean,
): Promise<void> {
  const emulator = new EmulatorControl(mem0Url);
  const isSeen = async () => isMet((await emulator.requests()).requests);
  await vi.waitUntil(isSeen, { timeout: 60_000, interval: 20 });
}

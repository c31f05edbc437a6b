import { isDeepStrictEqual } from "node:util";
import type { SeenRequest } from "../test/emulator-control.ts";
import type { Bench } from "./bench-world.ts";
import { signUpPlainly } from "./plain-sign-up.ts";

/**
 * Proves that the plain calls are the saga's: the emulator's log of one of each, ids and markers left out.
 * @throws {Error} when they differ, for then every ratio would be of different things
 */
export async function checkSameCalls({ upstream, loci }: Bench): Promise<void> {
  const { control } = upstream;
  const seen = async (deed: () => Promise<unknown>): Promise<string[]> => {
    await control.clearRequests();
    await deed();
    const { requests } = await control.requests();
    return requests.filter(isChange).map(anonymous).sort();
  };
  const plain = await seen(() => signUpPlainly(upstream));
  const saga = await seen(async () => {
    const operationId = await loci.startSignUp();
    await loci.moments.active(operationId);
    await loci.moments.end(operationId);
    await loci.untilRecorded(operationId);
  });
  if (isDeepStrictEqual(plain, saga)) return;
  throw new Error(
    `The plain calls are not the saga's.\nPlain:\n${plain.join("\n")}\nSaga:\n${saga.join("\n")}`,
  );
}

/** The read-back only reads, and comes after ACTIVE. */
function isChange({ method }: SeenRequest): boolean {
  return method !== "GET";
}

function anonymous({ method, path, body }: SeenRequest): string {
  const place = path.replace(/(organizations|projects)\/[^/]+\//g, "$1/…/");
  return `${method} ${place} ${String(body).replace(/ ·[A-Z0-9]{16}/g, " ·…")}`;
}

import { placeSchema } from "../src/tenants/place.ts";

/** The one member of the places that are signed up here; the emulator knows her. */
export const member = { email: "ada@bench.test", role: "READER" } as const;

/** What every sign-up here asks for: settings, one member, one webhook; as a GraphQL caller writes it. */
export const placeInput = {
  name: "Bench Inc.",
  settings: { customInstructions: "Be brief." },
  members: [member],
  webhooks: [{ url: "https://bench.test/hook", eventTypes: ["MEMORY_ADD"] }],
};

/** The same, parsed. */
export const place = placeSchema.parse(placeInput);

let keys = 0;

/** A tenant key that was never used, which serves as the idempotency key, too. */
export function freshKey(name = "bench"): string {
  keys += 1;
  return `${name}-${process.pid}-${keys}`;
}

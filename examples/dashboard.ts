import { randomUUID } from "node:crypto";

/**
 * What people do in Mem0's dashboard, done to the emulator by its control plane, so that the examples run by themselves. No API
 * of Mem0's does any of it: with the real one a person signs in there and copies a key.
 */

/** An organization and a project of Mem0's. */
interface Place {
  readonly org_id: string;
  readonly project_id: string;
}

async function ask(emulatorUrl: string, path: string, body?: object): Promise<unknown> {
  const init = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
  const url = `${emulatorUrl}/_emulator/${path}`;
  const answer = await fetch(url, body === undefined ? {} : init).catch(() => null);
  if (answer?.ok === true) return answer.json();
  throw new Error(`No emulator at ${emulatorUrl}. Set LOCI_EMULATOR_URL, or see examples/README.md.`);
}

/** Makes an API key while this project is selected; of the platform's own person unless another is named. */
export async function makeKey(emulatorUrl: string, place: Place, email?: string): Promise<string> {
  const body = email === undefined ? place : { ...place, email };
  // What the emulator's README says of this answer; so below.
  const { api_key } = (await ask(emulatorUrl, "keys", body)) as { api_key: string };
  return api_key;
}

/** Somebody with an organization and a project of his own makes an API key in it. */
export async function makeCustomersKey(emulatorUrl: string, name: string): Promise<string> {
  const email = `${randomUUID()}@customer.test`;
  const made = (await ask(emulatorUrl, "organizations", { name, owner_email: email })) as { org_id: string };
  const { projects } = (await ask(emulatorUrl, "tables")) as { projects: readonly Place[] };
  const project = projects.find(({ org_id }) => org_id === made.org_id);
  if (project === undefined) throw new Error("The organization that was just made has no project.");
  return makeKey(emulatorUrl, { org_id: made.org_id, project_id: project.project_id }, email);
}

import { z } from "zod";
import { type Emulator, startEmulator } from "../../src/emulator/emulator.ts";
import type { Switches } from "../../src/emulator/switches.ts";

/** An emulator with two people in it, each with a key and an organization of his own. */
export interface OwnEmulator {
  readonly url: string;
  readonly key: string;
  readonly secondKey: string;
  /** Every table as it is now. */
  tables(): Promise<Readonly<Record<string, readonly unknown[]>>>;
  control(method: string, path: string, body?: unknown): Promise<unknown>;
  close(): Promise<void>;
}

const placed = z.object({ org_id: z.string(), project_id: z.string() });
const made = z.object({ api_key: z.string() });
const tables = z.record(z.string(), z.array(z.unknown()));

/** Starts one in this process; `log` is told of every request that has ended. `close` ends it. */
export async function startOwnEmulator(
  switches: Partial<Switches> = {},
  log: () => void = () => {},
): Promise<OwnEmulator> {
  const emulator = await startEmulator({ log });
  const control = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${emulator.url}/_emulator/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const secondKey = await makeSecond(control, emulator);
  await control("PATCH", "switches", switches);
  return {
    url: emulator.url,
    key: emulator.apiKey,
    secondKey,
    tables: async () => tables.parse(await control("GET", "tables")),
    control,
    close: () => emulator.close(),
  };
}

async function makeSecond(
  control: (method: string, path: string, body?: unknown) => Promise<unknown>,
  emulator: Emulator,
): Promise<string> {
  const email = "second@contract.test";
  try {
    const place = placed.parse(
      await control("POST", "organizations", { name: "Second", owner_email: email }),
    );
    return made.parse(await control("POST", "keys", { ...place, email })).api_key;
  } catch (error) {
    await emulator.close();
    throw error;
  }
}

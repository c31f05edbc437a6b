import os from "node:os";
import pg from "pg";

/** Where the numbers were taken. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly postgres: string;
  readonly at: string;
}

/** Describes the machine that this process runs on, and the Postgres it uses. */
export async function describeMachine(connectionString: string): Promise<Machine> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const { rows } = await client.query<{ server_version: string }>("SHOW server_version");
    return {
      processor: os.cpus()[0]?.model ?? "unknown",
      cores: os.availableParallelism(),
      memoryGiB: Math.round(os.totalmem() / 2 ** 30),
      system: `${os.type()} ${os.release()} ${os.arch()}`,
      node: process.version,
      postgres: rows[0]?.server_version ?? "unknown",
      at: new Date().toISOString(),
    };
  } finally {
    await client.end();
  }
}

/** How many processes wanted a processor, over the last minute, five and fifteen: above the cores, somebody waits. */
export function loadAverage(): string {
  return os
    .loadavg()
    .map((load) => load.toFixed(2))
    .join(" ");
}

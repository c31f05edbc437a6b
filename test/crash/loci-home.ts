import pg from "pg";
import { onTestFailed, onTestFinished } from "vitest";
import { withDatabase } from "../../src/database/connection-target.ts";
import { startEmbeddedPostgres } from "../../src/database/embedded-postgres.ts";
import { findPostmaster, stopPostmaster } from "../../src/database/postmaster.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../database/temporary-folder.ts";
import { clusterDirOf, type LociProcess, type SpawnedLoci, spawnLoci } from "../loci-process.ts";
import type { LociProgram } from "../loci-program.ts";

/** The first words of the names that the tests' global setup cleans up after when a run was itself killed. */
const folderPrefix = "loci-test-cluster-crash-";

/** A data folder, and every process that was ever started on it. One Loci at a time. */
export class LociHome {
  readonly #program: LociProgram;
  readonly #folder: TemporaryFolder;
  readonly #spawned: SpawnedLoci[] = [];
  #database: { readonly pid: number; readonly url: string } | null = null;
  #isClosed = false;

  private constructor(program: LociProgram, folder: TemporaryFolder) {
    this.#program = program;
    this.#folder = folder;
  }

  /** Makes an empty one for the test that runs. When that is over, all is ended; when it failed, the log is shown. */
  static async forTest(program: LociProgram): Promise<LociHome> {
    const home = new LociHome(program, await makeTemporaryFolder(folderPrefix));
    onTestFailed(() => {
      process.stderr.write(home.#log());
    });
    onTestFinished(() => home.#close());
    return home;
  }

  get dataDir(): string {
    return this.#folder.path;
  }

  /** Starts Loci here without waiting. */
  spawn(env: Readonly<Record<string, string>> = {}): SpawnedLoci {
    // A test that ran out of time goes on behind our back.
    if (this.#isClosed) throw new Error("The test is over.");
    const spawned = spawnLoci({ main: this.#program.main, dataDir: this.dataDir, env });
    this.#spawned.push(spawned);
    return spawned;
  }

  /** Starts Loci here and waits until it serves. */
  start(env: Readonly<Record<string, string>> = {}): Promise<LociProcess> {
    return this.spawn(env).ready();
  }

  /** Where Loci's tables and the engine's are, while Postgres runs. */
  async connectionString(): Promise<string> {
    const postmaster = await findPostmaster(clusterDirOf(this.dataDir));
    if (postmaster === undefined) throw new Error(`No Postgres runs on ${this.dataDir}.`);
    const { pid } = postmaster.process;
    if (this.#database?.pid !== pid) {
      // Adopts the one that runs, with all the proofs that it is ours.
      const { connectionString } = await startEmbeddedPostgres({ dataDir: this.dataDir });
      this.#database = { pid, url: withDatabase(connectionString, "loci") };
    }
    return this.#database.url;
  }

  /** Asks the database while Postgres runs, on a connection that lasts as long as the question. */
  async query<Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    const client = new pg.Client({ connectionString: await this.connectionString() });
    await client.connect();
    try {
      return (await client.query<Row>(sql, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  /** What every Loci that ran here logged. */
  #log(): string {
    return this.#spawned.map(({ pid, stderr }) => `── Loci, process ${pid}:\n${stderr()}`).join("\n");
  }

  /** Ends every process, whatever state it is in, and removes the folder. */
  async #close(): Promise<void> {
    this.#isClosed = true;
    for (const spawned of this.#spawned) await spawned.kill9();
    const postmaster = await findPostmaster(clusterDirOf(this.dataDir));
    if (postmaster !== undefined) await stopPostmaster(postmaster.process);
    await this.#folder.remove();
  }
}

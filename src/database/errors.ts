/**
 * The database cannot be used, and starting again without a change will not help. The message is one
 * sentence for the person at the terminal: what is wrong and, where we know, what to do. It never holds a
 * password.
 */
export class DatabaseUnavailable extends Error {
  override readonly name = "DatabaseUnavailable";
}

/** Another living process holds the data folder. The message names its pid. */
export class DataFolderInUse extends Error {
  override readonly name = "DataFolderInUse";
  /** The holder's process id. */
  readonly pid: number;

  constructor(dataDir: string, pid: number) {
    super(
      `The data folder ${dataDir} is in use by process ${pid}; stop it, or set LOCI_DATA_DIR to another folder.`,
    );
    this.pid = pid;
  }
}

/** The database holds a migration that this code does not know: a newer release has been here. */
export class SchemaNewerThanCode extends Error {
  override readonly name = "SchemaNewerThanCode";
  /** The unknown migrations, oldest first. */
  readonly migrations: readonly string[];

  constructor(migrations: readonly string[]) {
    super(
      `The database was migrated by a newer release of Loci (${migrations.join(", ")}); start that release, or restore an older database.`,
    );
    this.migrations = migrations;
  }
}

/** A migration's file is not what was applied. An applied migration is never edited. */
export class MigrationChanged extends Error {
  override readonly name = "MigrationChanged";
  readonly migration: string;

  constructor(migration: string) {
    super(
      `The migration ${migration} was changed after it had been applied; restore its file and put the change into a new migration.`,
    );
    this.migration = migration;
  }
}

/** A migration was refused by the database. Nothing of it remains there, nor any trace of the attempt. */
export class MigrationFailed extends Error {
  override readonly name = "MigrationFailed";
  readonly migration: string;

  constructor(migration: string, reason: string, options?: ErrorOptions) {
    super(`The migration ${migration} failed: ${reason}`, options);
    this.migration = migration;
  }
}

/** The code of a Node, libuv or Postgres error (`EACCES`, `57P03`), where the error carries one. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** An error's own words; its code where it has none, as a refused connection on two addresses has. */
export function errorMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || errorCode(error) || error.name;
}

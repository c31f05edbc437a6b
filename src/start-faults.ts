import { InvalidConfiguration } from "./config.ts";
import {
  DatabaseUnavailable,
  DataFolderInUse,
  MigrationChanged,
  MigrationFailed,
  SchemaNewerThanCode,
} from "./database/errors.ts";
import { type Mem0Error, Mem0Refused } from "./mem0/errors.ts";
import { OtherUpstream } from "./tenants/installation.ts";

/** A reason not to start that a person can do something about. The message is one sentence. */
export class CannotStart extends Error {
  override readonly name = "CannotStart";
}

const reasonsForPeople = [
  CannotStart,
  InvalidConfiguration,
  DatabaseUnavailable,
  DataFolderInUse,
  MigrationChanged,
  MigrationFailed,
  SchemaNewerThanCode,
  OtherUpstream,
];

/** What to tell the person at the terminal about a failed start; null for a fault, of which only a log can tell. */
export function sentenceFor(error: unknown): string | null {
  return reasonsForPeople.some((reason) => error instanceof reason) ? (error as Error).message : null;
}

/** What it means that a port cannot be bound; `variable` says where the port came from. */
export function portFault(error: NodeJS.ErrnoException, port: number, variable: string): Error {
  switch (error.code) {
    case "EADDRINUSE":
      return new CannotStart(
        `Port ${port} is in use; set ${variable} to another one, or to 0 for any free one.`,
      );
    case "EACCES":
      return new CannotStart(`Port ${port} may not be used by this user; set ${variable} to one above 1023.`);
    default:
      return error;
  }
}

/** What it means that the server cannot be bound: a matter of its port, or of its host. */
export function listenFault(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === "EADDRNOTAVAIL" || error.code === "ENOTFOUND" || error.code === "EAI_AGAIN") {
    return new CannotStart(
      `This machine has no address ${host}; set HOST to one that it has, such as 127.0.0.1.`,
    );
  }
  return portFault(error, port, "PORT");
}

/** What it means that Mem0 did not say whose key we have. */
export function pingFault(error: Mem0Error, baseUrl: string): CannotStart {
  const isKeyRefused = error instanceof Mem0Refused && (error.status === 401 || error.status === 403);
  const what = isKeyRefused
    ? `Mem0 at ${baseUrl} does not accept MEM0_API_KEY`
    : `Mem0 at ${baseUrl} cannot be used, see MEM0_BASE_URL`;
  return new CannotStart(`${what}: ${error.message}`);
}

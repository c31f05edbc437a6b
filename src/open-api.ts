import { readFile } from "node:fs/promises";
import type { Logger } from "pino";
import type { Config } from "./config.ts";
import { errorMessage } from "./database/errors.ts";
import type { DoorOptions } from "./door/door-options.ts";
import { DocumentReader } from "./door/read-document.ts";
import { readTrustedDocuments, type TrustedDocuments } from "./door/trusted-documents.ts";
import { loadGraphiql } from "./graphiql/page.ts";
import { presetTabs } from "./graphiql/presets.ts";
import { createGraphqlEndpoint } from "./graphql-endpoint.ts";
import { schema } from "./schema/schema.ts";
import type { Api } from "./serve-graphql.ts";
import { CannotStart } from "./start-faults.ts";

/** What the API is made of. */
export interface ApiParts extends Pick<Api, "authenticate"> {
  readonly world: Parameters<typeof createGraphqlEndpoint>[0];
  readonly log: Logger;
}

/**
 * GraphQL with its page, and the door before it.
 * @throws {CannotStart} when the file of trusted documents cannot be read, or holds something that could not be executed
 */
export async function openApi(
  { door: { trustedDocumentsFile: file, ...settings }, mem0 }: Pick<Config, "door" | "mem0">,
  { world, log, authenticate }: ApiParts,
): Promise<Api> {
  const trustedDocuments = file === null ? null : await openTrustedDocuments(file);
  // What answers then is the built-in emulator, and what is behind it is nobody's.
  const door: DoorOptions = { ...settings, isDevelopment: mem0 === null, trustedDocuments };
  return {
    graphql: createGraphqlEndpoint(world, log, door),
    graphiql: loadGraphiql({ endpoint: "/graphql", title: "Loci", presets: presetTabs }),
    ...{ authenticate, door },
  };
}

async function openTrustedDocuments(file: string): Promise<TrustedDocuments> {
  try {
    const documents = readTrustedDocuments(await readFile(file, "utf8"));
    const reader = new DocumentReader(schema);
    for (const [hash, document] of documents) {
      const [problem] = reader.read(document).problems;
      if (problem !== undefined) throw new Error(`The document ${hash} does not fit: ${problem.message}`);
    }
    return documents;
  } catch (error) {
    throw new CannotStart(`LOCI_TRUSTED_DOCUMENTS cannot be used (${file}): ${errorMessage(error)}`);
  }
}

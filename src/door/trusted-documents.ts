import { createHash } from "node:crypto";
import { z } from "zod";

/** Documents by the SHA-256 of their text, in hex. */
export type TrustedDocuments = ReadonlyMap<string, string>;

const fileSchema = z.record(z.string(), z.string());

/**
 * Reads a list of trusted documents, `{"<sha256 in hex>": "<document>"}`, as the usual tools of clients write it.
 * @throws {Error} with a sentence for people when it is none, or a hash is not its document's
 */
export function readTrustedDocuments(json: string): TrustedDocuments {
  const parsed = fileSchema.safeParse(parseJson(json));
  if (!parsed.success)
    throw new Error("It is not a JSON object of documents by the SHA-256 of each, in hex.");
  const documents = Object.entries(parsed.data);
  const wrong = documents.find(
    ([hash, document]) => createHash("sha256").update(document).digest("hex") !== hash,
  );
  if (wrong !== undefined)
    throw new Error(`The document under ${wrong[0].slice(0, 64)} has another SHA-256.`);
  return new Map(documents);
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

const extensionsSchema = z.object({
  persistedQuery: z.object({ version: z.literal(1), sha256Hash: z.string().max(64) }),
});

/** The hash that a request sends instead of a document, as Apollo's and Yoga's clients do. Null: none. */
export function sentHash(extensions: unknown): string | null {
  const parsed = extensionsSchema.safeParse(extensions);
  return parsed.success ? parsed.data.persistedQuery.sha256Hash : null;
}

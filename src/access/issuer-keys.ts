import {
  type CryptoKey,
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JWSHeaderParameters,
} from "jose";
import type { Logger } from "pino";
import { z } from "zod";

/** What an issuer's keys are read with. */
export interface IssuerKeysOptions {
  /** As it stands in tokens. */
  readonly issuer: string;
  /** Where the keys are. Null: the issuer is asked (OpenID Connect Discovery 1.0, section 4). */
  readonly jwksUrl: string | null;
  readonly log: Logger;
  /** Milliseconds that only go forward. */
  readonly now: () => number;
}

/** There are no keys that still count, so that nobody can be told from a stranger. */
class IssuerKeysMissing extends Error {
  override readonly name = "IssuerKeysMissing";
}

/** After this long keys are read again before they are used, so that one that was taken back does not count for longer. */
const freshMs = 300_000;
/** For this long they count while the issuer does not answer. */
const keptMs = 3_600_000;
/** Between two readings, whatever came of the first: anybody can send a key id that does not exist. */
const cooldownMs = 10_000;
const timeoutMs = 5_000;
const answerBytesMax = 512 * 1024;
const keysMax = 100;

const jwksSchema = z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(keysMax) });

/** The public keys of an issuer, read when they are first needed. */
export class IssuerKeys {
  readonly #options: IssuerKeysOptions;
  #keys: ReturnType<typeof createLocalJWKSet> | null = null;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | null = null;

  constructor(options: IssuerKeysOptions) {
    this.#options = options;
  }

  /**
   * The key that a token's header names by its id and algorithm alone; addresses and keys in a header are nothing to us. Reads the
   * issuer's keys where they are older than 5 minutes or do not have it, 10 s after the last reading began at the earliest; waits
   * for 5 s at most. While the issuer does not answer, what was read counts for an hour.
   * @throws {IssuerKeysMissing}
   * @throws {errors.JWKSNoMatchingKey} {errors.JWKSMultipleMatchingKeys} none fits, or more than one
   * @throws whatever the engine says of a key that is none
   */
  async find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    if (this.#options.now() - this.#readAtMs >= freshMs) await this.#readAgain();
    try {
      return await this.#usable()(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      if (!(await this.#readAgain())) throw error;
      return this.#usable()(header, token);
    }
  }

  #usable(): ReturnType<typeof createLocalJWKSet> {
    const isKept = this.#options.now() - this.#readAtMs < keptMs;
    if (this.#keys === null || !isKept) throw new IssuerKeysMissing("The issuer's keys are not known.");
    return this.#keys;
  }

  /** One reading at a time, for all who wait. False: it is too soon for another. */
  async #readAgain(): Promise<boolean> {
    if (this.#reading === null) {
      const now = this.#options.now();
      if (now - this.#triedAtMs < cooldownMs) return false;
      this.#triedAtMs = now;
      this.#reading = this.#read(now).finally(() => {
        this.#reading = null;
      });
    }
    await this.#reading;
    return true;
  }

  async #read(beganAtMs: number): Promise<void> {
    const { issuer, jwksUrl, log } = this.#options;
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const read = await readJson(jwksUrl ?? (await discover(issuer, signal)), signal);
      this.#keys = createLocalJWKSet(jwksSchema.parse(read));
      this.#readAtMs = beganAtMs;
    } catch (error) {
      log.warn({ err: error, issuer }, "the keys of the issuer of people's tokens could not be read");
    }
  }
}

/** Whether what comes from there is what was sent: https, or this machine. Without credentials, query and fragment. */
export function isIssuerUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname, username, password, search, hash } = new URL(value);
  if (`${username}${password}${search}${hash}` !== "") return false;
  const isLoopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
  return protocol === "https:" || (protocol === "http:" && isLoopback);
}

/** Where an issuer says its keys are. It has to be the very issuer that was asked for. */
async function discover(issuer: string, signal: AbortSignal): Promise<string> {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const schema = z.object({ issuer: z.literal(issuer), jwks_uri: z.string().refine(isIssuerUrl) });
  return schema.parse(await readJson(url, signal)).jwks_uri;
}

/** A redirect is refused: the configured address decides whose keys count, not what answers there. */
async function readJson(url: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, { signal, redirect: "error", headers: { accept: "application/json" } });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`${url} answered HTTP ${response.status}.`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > answerBytesMax) throw new Error(`${url} answered more than ${answerBytesMax} bytes.`);
    chunks.push(chunk);
  }
  const read: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  return read;
}

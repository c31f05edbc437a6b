import { isPublicAddress } from "./public-address.ts";

/** Answers all addresses of a name, of both families; none where it cannot be resolved. Bounded in time. */
export type ResolveName = (name: string) => Promise<readonly string[]>;

/** What a name resolves to at this moment. */
export type Resolution =
  /** All its addresses are public. `address` is the one to connect to: who resolves again may get another answer. */
  | { readonly is: "public"; readonly address: string }
  /** One of its addresses at least is not. Which, nobody is told: it is of a net that is nobody's business. */
  | { readonly is: "hidden" }
  | { readonly is: "unresolved" };

/**
 * Resolves a name once, and judges every address it has. An answer is true for the moment: ask again at every use. Throws
 * what `resolve` throws.
 */
export async function resolvePublic(name: string, resolve: ResolveName): Promise<Resolution> {
  const addresses = await resolve(name);
  const [address] = addresses;
  if (address === undefined) return { is: "unresolved" };
  return addresses.every(isPublicAddress) ? { is: "public", address } : { is: "hidden" };
}

/** The password of an `Authorization: Basic` header, whoever's. Null: there is none. */
export function basicPassword(authorization: string | undefined): string | null {
  const [, credentials] = /^Basic +([A-Za-z0-9+/]{1,4000}={0,2})$/i.exec(authorization ?? "") ?? [];
  if (credentials === undefined) return null;
  const text = Buffer.from(credentials, "base64").toString();
  const colon = text.indexOf(":");
  return colon === -1 ? null : text.slice(colon + 1);
}

const jsonTypes: ReadonlySet<string> = new Set(["application/json", "application/graphql-response+json"]);

/**
 * Whether the body of a POST is said to be JSON in UTF-8. No page of another origin can send such a request without the browser
 * asking first, which is what keeps forms and plain text out.
 */
export function isJsonType(contentType: string | undefined): boolean {
  const [type = "", ...parameters] = (contentType ?? "").split(";").map((part) => part.trim().toLowerCase());
  const charset = parameters.find((parameter) => parameter.startsWith("charset="));
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset);
  return jsonTypes.has(type) && isUtf8;
}

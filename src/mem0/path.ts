/** A request path, and the template it was made from. */
export interface Mem0Path {
  /** As in Mem0's OpenAPI document, with `{names}` for the ids: the same for all calls of an operation. */
  readonly template: string;
  /** With the ids filled in and encoded. */
  readonly path: string;
  /** As `path`, without what may be a person's name or e-mail: for messages. */
  readonly shown: string;
}

type IdNames<Template extends string> = Template extends `${string}{${infer Name}}${infer Rest}`
  ? Name | IdNames<Rest>
  : never;

/**
 * Fills a template. The type demands the final slash: without it Mem0 answers 301 or 404 (Mem0 OpenAPI; live
 * observation), and a mutation must not follow redirects.
 *
 * @throws {TypeError} when an id is empty or a dot segment: the call would then address the parent, and deleting
 * `organizations//` instead of one organization is not a risk to take.
 */
export function mem0Path<const Template extends `/${string}/`>(
  template: Template,
  ids: Readonly<Record<IdNames<Template>, string>>,
): Mem0Path {
  const values: ReadonlyMap<string, unknown> = new Map(Object.entries(ids));
  const path = template.replaceAll(/\{(\w+)\}/g, (_match, name: string) => {
    const value = values.get(name);
    if (typeof value !== "string" || value.trim() === "" || value === "." || value === "..") {
      throw new TypeError(`${name} must be a non-empty id to call ${template}.`);
    }
    return encodeURIComponent(value);
  });
  // The name of an entity is the caller's own word for a person, often an e-mail.
  const shown = template.replaceAll(/\{(\w+)\}/g, (inBraces, name: string) =>
    name === "entity_id" ? inBraces : encodeURIComponent(String(values.get(name))),
  );
  return { template, path, shown };
}

/** The short name of a call in a sentence, such as `POST organizations/org_1/members`. */
export function callTitle(method: string, path: Mem0Path): string {
  return `${method} ${path.shown.replace(/^\/(?:api\/)?v\d+\/(?:orgs\/)?/, "").replace(/\/$/, "")}`;
}

/** The arguments of a field, without those that may be null and are. */
export type Given<Args> = {
  readonly [Name in keyof Args as Extract<Args[Name], null | undefined> extends never
    ? Name
    : never]: Args[Name];
} & {
  readonly [Name in keyof Args as Extract<Args[Name], null | undefined> extends never
    ? never
    : Name]?: Exclude<Args[Name], null | undefined>;
};

/** What was given of arguments: GraphQL lets every optional one be null, which means to us that it was not given. */
export function given<Args extends object>(args: Args): Given<Args> {
  const entries = Object.entries(args).filter(([, value]) => value !== null && value !== undefined);
  // True because nothing but null and undefined was left out, and only where the type allows to leave it out.
  return Object.fromEntries(entries) as Given<Args>;
}

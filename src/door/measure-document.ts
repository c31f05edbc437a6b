import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from "graphql";
import { documentLimits } from "./limits.ts";
import { doorRefusal } from "./refusals.ts";

/** How large an operation or fragment is, with all fragments in it written out. */
interface Size {
  readonly depth: number;
  readonly introspectionDepth: number;
  readonly introspections: number;
  readonly aliases: number;
  readonly directives: number;
  readonly rootFields: number;
  readonly fields: number;
}

const nothing: Size = {
  ...{ depth: 0, introspectionDepth: 0, introspections: 0 },
  ...{ aliases: 0, directives: 0, rootFields: 0, fields: 0 },
};

/** Beyond every limit; sums stay there, however often a fragment doubles. */
const countMax = 1_000_000_000;

function add(one: number, other: number): number {
  return Math.min(one + other, countMax);
}

/** Of two that stand side by side. */
function beside(one: Size, other: Size): Size {
  return {
    depth: Math.max(one.depth, other.depth),
    introspectionDepth: Math.max(one.introspectionDepth, other.introspectionDepth),
    introspections: add(one.introspections, other.introspections),
    aliases: add(one.aliases, other.aliases),
    directives: add(one.directives, other.directives),
    rootFields: add(one.rootFields, other.rootFields),
    fields: add(one.fields, other.fields),
  };
}

/** Sizes of one document. Each fragment is measured once, however often it is spread. */
class Measure {
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #known = new Map<string, Size>();
  readonly #open = new Set<string>();

  constructor(fragments: ReadonlyMap<string, FragmentDefinitionNode>) {
    this.#fragments = fragments;
  }

  of(selections: SelectionSetNode | undefined): Size {
    return (selections?.selections ?? []).reduce((sum, one) => beside(sum, this.#ofSelection(one)), nothing);
  }

  /** A fragment that there is not is the matter of the validation. @throws {GraphQLError} FRAGMENT_CYCLE */
  ofFragment(name: string): Size {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    if (this.#open.has(name)) throw doorRefusal("FRAGMENT_CYCLE", "A fragment must not contain itself.");
    const fragment = this.#fragments.get(name);
    if (fragment === undefined) return nothing;
    this.#open.add(name);
    const size = withDirectives(this.of(fragment.selectionSet), fragment.directives?.length);
    this.#open.delete(name);
    this.#known.set(name, size);
    return size;
  }

  #ofSelection(selection: SelectionNode): Size {
    if (selection.kind === Kind.FIELD) return this.#ofField(selection);
    const size =
      selection.kind === Kind.FRAGMENT_SPREAD
        ? this.ofFragment(selection.name.value)
        : this.of(selection.selectionSet);
    return withDirectives(size, selection.directives?.length);
  }

  #ofField({ name, alias, arguments: given = [], directives, selectionSet }: FieldNode): Size {
    const below = this.of(selectionSet);
    // Another name for a mere value multiplies nothing; generated clients give many.
    const isAliased = alias !== undefined && (selectionSet !== undefined || given.length > 0);
    const isIntrospection = name.value === "__schema" || name.value === "__type";
    const size: Size = {
      ...below,
      depth: isIntrospection ? 1 : below.depth + 1,
      introspectionDepth: isIntrospection ? below.depth + 1 : below.introspectionDepth,
      introspections: add(below.introspections, isIntrospection ? 1 : 0),
      aliases: add(below.aliases, isAliased ? 1 : 0),
      rootFields: 1,
      fields: add(below.fields, 1),
    };
    return withDirectives(size, directives?.length);
  }
}

function withDirectives(size: Size, count = 0): Size {
  return { ...size, directives: add(size.directives, count) };
}

/**
 * Measures each operation of a document, in a time that grows with its length alone. Answers whether any of them asks for the
 * schema.
 * @throws {GraphQLError} when one is beyond `documentLimits`, or a fragment contains itself
 */
export function measureDocument({ definitions }: DocumentNode): { readonly isIntrospecting: boolean } {
  const fragments = new Map(
    definitions.flatMap((one) =>
      one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one] as const] : [],
    ),
  );
  const measure = new Measure(fragments);
  // Those that nobody spreads, too: the validation follows them. How deep they lie depends on where they are spread.
  const sizes = [...fragments.keys()].map((name) => ({
    ...measure.ofFragment(name),
    ...{ rootFields: 0, depth: 0 },
  }));
  for (const definition of definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const { selectionSet, directives = [], variableDefinitions = [] } = definition;
    const ofVariables = variableDefinitions.flatMap((variable) => variable.directives ?? []);
    sizes.push(withDirectives(measure.of(selectionSet), directives.length + ofVariables.length));
  }
  for (const size of sizes) refuseLarge(size);
  return { isIntrospecting: sizes.some(({ introspections }) => introspections > 0) };
}

function refuseLarge(size: Size): void {
  const { depthMax, introspectionDepthMax, introspectionsMax, aliasesMax, directivesMax } = documentLimits;
  const { rootFieldsMax, fieldsMax } = documentLimits;
  if (size.depth > depthMax || size.introspectionDepth > introspectionDepthMax)
    throw doorRefusal("TOO_DEEP", `Fields must not lie deeper than ${depthMax}.`);
  if (size.aliases > aliasesMax)
    throw doorRefusal("TOO_MANY_ALIASES", `An operation has at most ${aliasesMax} aliases.`);
  if (size.directives > directivesMax)
    throw doorRefusal("TOO_MANY_DIRECTIVES", `An operation has at most ${directivesMax} directives.`);
  if (size.rootFields > rootFieldsMax || size.introspections > introspectionsMax)
    throw doorRefusal(
      "TOO_MANY_ROOT_FIELDS",
      `An operation has at most ${rootFieldsMax} fields of the root.`,
    );
  if (size.fields > fieldsMax)
    throw doorRefusal("TOO_MANY_FIELDS", `An operation has at most ${fieldsMax} fields.`);
}

import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValueNode,
} from "graphql";
import { prices } from "./limits.ts";

/** Refusals that a field names when it calls Mem0 to answer. */
const upstreamRefusals: ReadonlySet<string> = new Set(["Mem0Unavailable", "UpstreamNotReadable"]);

/** Arguments that say how long a list becomes. */
const sizeArguments = ["first", "last", "topK"] as const;

type AnyField = GraphQLField<unknown, unknown>;

/** Variables as the execution will see them. */
type Variables = Readonly<Record<string, unknown>>;

/**
 * Prices the operations of a schema. A field has its price by what it looks like, so that a new one has the right one by itself:
 * `first`, `last` and `topK` multiply what lies below, and so does the number of `ids`, each of which is looked up; a field that
 * may answer that Mem0 is away calls Mem0.
 */
export class PriceList {
  readonly #schema: GraphQLSchema;
  /** Types whose lists are as long as an argument of the field before has said. */
  readonly #sized: ReadonlySet<GraphQLNamedType>;

  constructor(schema: GraphQLSchema) {
    this.#schema = schema;
    const fields = Object.values(schema.getTypeMap()).flatMap((type) => Object.values(fieldsOf(type)));
    this.#sized = new Set(fields.filter(isSized).flatMap(({ type }) => answersOf(type)));
  }

  /**
   * What an operation of a valid document costs. Whatever a directive may leave out is counted. Each fragment is priced once for
   * each type it is spread on, however often.
   */
  costOf({ definitions }: DocumentNode, operation: OperationDefinitionNode, variables: Variables): number {
    const fragments = new Map(
      definitions.flatMap((one) =>
        one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one] as const] : [],
      ),
    );
    const root = this.#schema.getRootType(operation.operation);
    if (!root) return 0;
    return this.#ofSelections(operation.selectionSet, root, { variables, fragments, known: new Map() });
  }

  #ofSelections(set: SelectionSetNode, type: GraphQLNamedType, pricing: Pricing): number {
    const known = pricing.known.get(set)?.get(type);
    if (known !== undefined) return known;
    const cost = set.selections.reduce((sum, one) => sum + this.#ofSelection(one, type, pricing), 0);
    const ofSet = pricing.known.get(set) ?? new Map<GraphQLNamedType, number>();
    pricing.known.set(set, ofSet.set(type, cost));
    return cost;
  }

  #ofSelection(selection: SelectionNode, type: GraphQLNamedType, pricing: Pricing): number {
    if (selection.kind === Kind.FIELD) return this.#ofField(selection, type, pricing);
    const fragment =
      selection.kind === Kind.FRAGMENT_SPREAD ? pricing.fragments.get(selection.name.value) : selection;
    if (fragment === undefined) return 0;
    const condition = fragment.typeCondition?.name.value;
    const on = condition === undefined ? type : this.#schema.getType(condition);
    return on === undefined ? 0 : this.#ofSelections(fragment.selectionSet, on, pricing);
  }

  #ofField(node: FieldNode, type: GraphQLNamedType, pricing: Pricing): number {
    const field = fieldsOf(type)[node.name.value];
    // `__typename`, and the introspection, which has limits of its own.
    if (field === undefined) return prices.field;
    const own = isUpstream(field) ? prices.upstreamField : prices.field;
    const below =
      node.selectionSet === undefined
        ? 0
        : this.#ofSelections(node.selectionSet, getNamedType(field.type), pricing);
    const isList = isListOf(field.type);
    if (isList && field.args.some(({ name }) => name === "ids")) {
      const count = lengthOf(argument(node, "ids"), pricing.variables);
      return own + (prices.lookedUp + below) * count;
    }
    const unsized = isList && !this.#sized.has(type) ? prices.unsizedList : 1;
    return own + below * (sizeOf(field, node, pricing.variables) ?? unsized);
  }
}

interface Pricing {
  readonly variables: Variables;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly known: Map<SelectionSetNode, Map<GraphQLNamedType, number>>;
}

function fieldsOf(type: GraphQLNamedType): Readonly<Record<string, AnyField>> {
  return isObjectType(type) || isInterfaceType(type) ? type.getFields() : {};
}

function isSized({ args }: AnyField): boolean {
  return args.some(({ name }) => sizeArguments.some((known) => known === name));
}

/** The types that a field may answer. */
function answersOf(type: GraphQLOutputType): readonly GraphQLNamedType[] {
  const named = getNamedType(type);
  return isUnionType(named) ? named.getTypes() : [named];
}

function isUpstream({ type }: AnyField): boolean {
  return answersOf(type).some(({ name }) => upstreamRefusals.has(name));
}

function isListOf(type: GraphQLOutputType): boolean {
  return isListType(isNonNullType(type) ? type.ofType : type);
}

function argument(node: FieldNode, name: string): ValueNode | undefined {
  return node.arguments?.find((one) => one.name.value === name)?.value;
}

/** How many things lie below a field: the most that any of its arguments says. Null: it has no such argument. */
function sizeOf(field: AnyField, node: FieldNode, variables: Variables): number | null {
  if (!isSized(field)) return null;
  const asked = field.args
    .filter(({ name }) => sizeArguments.some((known) => known === name))
    .map(({ name, defaultValue }) => numberOf(argument(node, name), variables) ?? defaultValue)
    .filter((size) => typeof size === "number");
  if (asked.length > 0) return Math.max(1, ...asked);
  return field.args.some(({ name }) => name === "topK") ? prices.topK : prices.connection;
}

function numberOf(value: ValueNode | undefined, variables: Variables): number | null {
  if (value?.kind === Kind.INT) return Number(value.value);
  const given = value?.kind === Kind.VARIABLE ? variables[value.name.value] : null;
  return typeof given === "number" ? given : null;
}

function lengthOf(value: ValueNode | undefined, variables: Variables): number {
  if (value?.kind === Kind.LIST) return value.values.length;
  const given = value?.kind === Kind.VARIABLE ? variables[value.name.value] : null;
  return Array.isArray(given) ? given.length : 1;
}

/**
 * An argument that Mem0 would refuse, or would take for something else than it says: refused before anything is sent. The
 * message holds no value of the caller's.
 */
export class InvalidArgument extends TypeError {
  override readonly name = "InvalidArgument";
  /** Which one, as a path from the arguments of the call: `filters.and.0.categories`, `topK`. */
  readonly argument: string;

  constructor(argument: string, message: string) {
    super(message);
    this.argument = argument;
  }
}

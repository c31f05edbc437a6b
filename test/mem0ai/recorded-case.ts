/** What stands in a case for things that have other names in every emulator. */
export interface Known {
  readonly memoryId: string;
  readonly orgId: string;
  readonly projectId: string;
  readonly webhookId: string;
}

/** A request, and the status that the emulator answers it with. */
export interface Expected {
  readonly method: string;
  readonly path: string;
  readonly query?: string;
  readonly body?: unknown;
  readonly status: number;
}

/** One call of the client: what it sends, or what it throws without sending anything. */
export interface RecordedCase {
  readonly title: string;
  readonly method: string;
  args(known: Known): readonly unknown[];
  sends(known: Known): readonly Expected[];
  readonly throws?: { readonly name: string; readonly message: string };
}

/** A UUID that nothing has. */
export const nobodys = "00000000-0000-4000-8000-000000000000";

/** A call that sends one request. */
export function one(
  title: string,
  method: string,
  args: readonly unknown[] | ((known: Known) => readonly unknown[]),
  expected: Expected | ((known: Known) => Expected),
): RecordedCase {
  return {
    title,
    method,
    args: (known) => (typeof args === "function" ? args(known) : args),
    sends: (known) => [typeof expected === "function" ? expected(known) : expected],
  };
}

/** A call that throws before it sends anything. */
export function thrown(
  title: string,
  method: string,
  args: readonly unknown[],
  message: string,
  name = "Error",
): RecordedCase {
  return { title, method, args: () => args, sends: () => [], throws: { name, message } };
}

/** A POST with this body. */
export function post(path: string, body: unknown, status = 200): Expected {
  return { method: "POST", path, body, status };
}

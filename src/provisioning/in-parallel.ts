import pLimit from "p-limit";

/** How many requests of one step are under way at once, so that a large place does not flood Mem0. */
const requestsAtOnce = 8;

/**
 * Does a deed for each item, at most 8 at once, and waits for all of them also when one fails: nothing is left
 * running behind the caller's back. Answers the results in the order of the items.
 * @throws the first error, in the order of the items
 */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  deed: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const limit = pLimit(requestsAtOnce);
  const settled = await Promise.allSettled(items.map((item) => limit(() => deed(item))));
  return settled.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}

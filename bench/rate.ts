/** How many of something are kept under way at once, how many are begun in all, and for how long at most. */
export interface Load {
  readonly inFlight: number;
  readonly sagas: number;
  /** Nothing is begun after so many milliseconds; what was begun is ended. */
  readonly budgetMs: number;
}

/** Keeps so many under way until all have been begun, waits for the last, and answers how many ended a second. */
export async function rateOf(
  run: () => Promise<unknown>,
  { inFlight, sagas, budgetMs }: Load,
): Promise<number> {
  const begun = performance.now();
  let started = 0;
  const worker = async () => {
    while (started < sagas && performance.now() - begun < budgetMs) {
      started += 1;
      await run();
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return (started * 1_000) / (performance.now() - begun);
}

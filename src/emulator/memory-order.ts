/** Where a list of slots finds what it is ordered by. */
export interface SlotDates {
  /** Epoch milliseconds, by slot. */
  readonly created: readonly number[];
  readonly ids: readonly string[];
}

/** Slots (numbers that stand for rows) from the oldest `created_at` to the newest; of equal ones the smaller id is the newer. */
export class MemoryOrder {
  readonly #dates: SlotDates;
  readonly #slots: number[] = [];

  constructor(dates: SlotDates) {
    this.#dates = dates;
  }

  /** Oldest first. What has been removed since is still among them. */
  get slots(): readonly number[] {
    return this.#slots;
  }

  /** Puts a slot in its place: at the end as a rule, since what is added is new. */
  insert(slot: number): void {
    const last = this.#slots.at(-1);
    if (last === undefined || this.#isOlder(last, slot)) {
      this.#slots.push(slot);
      return;
    }
    let low = 0;
    let high = this.#slots.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#isOlder(this.#slots[middle] ?? slot, slot)) low = middle + 1;
      else high = middle;
    }
    this.#slots.splice(low, 0, slot);
  }

  #isOlder(left: number, right: number): boolean {
    const { created, ids } = this.#dates;
    const byDate = (created[left] ?? 0) - (created[right] ?? 0);
    return byDate === 0 ? (ids[left] ?? "") > (ids[right] ?? "") : byDate < 0;
  }
}

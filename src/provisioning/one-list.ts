import { setTimeout as sleep } from "node:timers/promises";
import { listOrganizations, type Organization } from "../mem0/organizations.ts";
import { listProjects, type Project } from "../mem0/projects.ts";
import { markerLength } from "../tenants/marker.ts";
import type { Provisioning } from "./provisioning.ts";

/** The longest pause before a read that follows another. */
const pauseMaxMs = 1_000;

/** A read under way, and the one that follows it if anybody asked meanwhile. */
interface Reading<Result> {
  next: Promise<Result> | null;
  /** When this read is over, whether it failed or not. Never rejects. */
  readonly ended: Promise<void>;
}

/**
 * Reads that many share. Who asks is answered by a read that began after he asked, for only such a one shows what he
 * waits for. So of each key at most one read is under way and at most one waits, and all who ask while one is under way
 * share the next. That one begins after a pause as long as the read before it took, so that a large list, over and over,
 * leaves the process half of its time. Nothing is kept once nobody waits. A read that fails fails for all who share it.
 */
export class SharedReads<Result> {
  readonly #underWay = new Map<string, Reading<Result>>();

  /** How many keys have a read under way. */
  get size(): number {
    return this.#underWay.size;
  }

  /** The result of a read of this key that begins now or later. @throws what `read` throws */
  ask(key: string, read: () => Promise<Result>): Promise<Result> {
    const reading = this.#underWay.get(key);
    if (reading === undefined) return this.#begin(key, read);
    reading.next ??= reading.ended.then(() => this.#begin(key, read));
    return reading.next;
  }

  #begin(key: string, read: () => Promise<Result>): Promise<Result> {
    const startedMs = performance.now();
    const result = read();
    const end = async () => {
      if (reading.next !== null) await sleep(Math.min(pauseMaxMs, performance.now() - startedMs));
      else this.#underWay.delete(key);
    };
    const reading: Reading<Result> = { next: null, ended: result.then(end, end) };
    this.#underWay.set(key, reading);
    return result;
  }
}

/** Things by every text in them that could be a marker, in capitals. */
type ByMarker<Thing> = ReadonlyMap<string, readonly Thing[]>;

/** 16 letters and digits of base32 that are not a part of more, in whatever case. */
const couldBeMarker = new RegExp(`(?<![A-Z2-7])[A-Z2-7]{${markerLength}}(?![A-Z2-7])`, "gi");

function indexByMarker<Thing>(
  things: readonly Thing[],
  textOf: (thing: Thing) => string | null,
): ByMarker<Thing> {
  const index = new Map<string, Thing[]>();
  for (const thing of things) {
    const found = textOf(thing)?.match(couldBeMarker) ?? [];
    for (const marker of new Set(found.map((text) => text.toUpperCase()))) {
      const same = index.get(marker);
      if (same === undefined) index.set(marker, [thing]);
      else same.push(thing);
    }
  }
  return index;
}

interface AccountLists {
  readonly organizations: SharedReads<ByMarker<Organization>>;
  readonly projects: SharedReads<ByMarker<Project>>;
}

/** Per process and account. The account's object is the same in every step, unlike its client. */
const listsByAccount = new WeakMap<Provisioning["account"], AccountLists>();

function listsOf({ account }: Provisioning): AccountLists {
  const known = listsByAccount.get(account);
  if (known !== undefined) return known;
  const lists: AccountLists = { organizations: new SharedReads(), projects: new SharedReads() };
  listsByAccount.set(account, lists);
  return lists;
}

/**
 * The organizations in whose name this marker stands, anywhere and in any case, as a list shows them that was asked for
 * after this call. All who ask at the same time share one list.
 * @throws {Mem0Error}
 */
export async function organizationsBearing(
  provisioning: Provisioning,
  marker: string,
): Promise<readonly Organization[]> {
  const index = await listsOf(provisioning).organizations.ask("", async () =>
    indexByMarker(await listOrganizations(provisioning.mem0), ({ name }) => name),
  );
  return index.get(marker) ?? [];
}

/** The same for the projects of an organization, in whose description the marker stands. @throws {Mem0Error} */
export async function projectsBearing(
  provisioning: Provisioning,
  orgId: string,
  marker: string,
): Promise<readonly Project[]> {
  const index = await listsOf(provisioning).projects.ask(orgId, async () =>
    indexByMarker(await listProjects(provisioning.mem0, orgId), ({ description }) => description),
  );
  return index.get(marker) ?? [];
}

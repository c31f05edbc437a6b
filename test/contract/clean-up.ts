import { type Caller, field, type Line, type Reply, RunStopped, rows, text } from "./client.ts";
import type { Created, Ledger, Thing } from "./ledger.ts";

/** How long is waited for what the server does later; milliseconds. */
export interface CleaningTimes {
  readonly eventMs: number;
  readonly settleMs: number;
}

type Of<Kind extends Thing["kind"]> = Extract<Thing, { kind: Kind }>;

const organizations = "/api/v1/orgs/organizations/";

/**
 * Removes all that the ledger has, and nothing else: by the id its create was answered with, or, where the answer is not known,
 * what bears its tag. Children go before their parents and one by one, for nobody knows that they go with them. Answers
 * what could not be removed, or not be seen to be, a line each. May be repeated. What only the server's log knows (events,
 * history) has no deletion.
 */
export async function cleanUp(
  line: Line,
  caller: Caller,
  ledger: Ledger,
  times: CleaningTimes,
): Promise<readonly string[]> {
  line.startCleaning();
  try {
    await new Cleaning(line, caller, ledger, times).run();
  } catch (error) {
    if (!(error instanceof RunStopped)) throw error;
    return [error.message, ...ledger.left.map(described)];
  }
  if (ledger.left.length === 0) ledger.end();
  return ledger.left.map(described);
}

class Cleaning {
  readonly #line: Line;
  readonly #caller: Caller;
  readonly #ledger: Ledger;
  readonly #times: CleaningTimes;

  constructor(line: Line, caller: Caller, ledger: Ledger, times: CleaningTimes) {
    this.#line = line;
    this.#caller = caller;
    this.#ledger = ledger;
    this.#times = times;
  }

  async run(): Promise<void> {
    // What is still being added would come back after its entity was deleted.
    for (const event of this.#of("event")) if (await this.#isOver(event.id)) this.#ledger.forget(event.tag);
    for (const entity of this.#of("entity")) await this.#removeEntity(entity);
    await this.#findLost();
    for (const webhook of this.#of("webhook")) await this.#remove(webhook);
    for (const project of this.#of("project")) await this.#remove(project);
    for (const organization of this.#of("organization")) {
      if (organization.id !== null) await this.#removeProjectsOf(organization.id);
      await this.#remove(organization);
    }
    // What was not to be seen in something that is gone now.
    for (const below of [...this.#of("webhook"), ...this.#of("project")]) {
      if (below.id === null && this.#isOrphan(below)) this.#ledger.forget(below.tag);
      else if (this.#isOrphan(below)) await this.#remove(below);
    }
  }

  #of<Kind extends Thing["kind"]>(kind: Kind): readonly Of<Kind>[] {
    return this.#ledger.left.filter((thing): thing is Of<Kind> => thing.kind === kind);
  }

  #isOrphan(thing: Created): boolean {
    return thing.kind !== "organization" && this.#ledger.isRemoved(parentOf(thing));
  }

  /** Creates whose answer is not known, or was a refusal: looked for now and once more later, for they may land late. */
  async #findLost(): Promise<void> {
    const lost = (): readonly Created[] =>
      [...this.#of("organization"), ...this.#of("project"), ...this.#of("webhook")].filter(
        ({ id }) => id === null,
      );
    for (const waitMs of [0, this.#times.settleMs]) {
      if (lost().length === 0) return;
      if (waitMs > 0) await this.#line.sleep(waitMs);
      const lists = new Map<string, readonly unknown[] | null>();
      for (const thing of lost()) {
        const path = listOf(thing);
        if (!lists.has(path)) lists.set(path, await this.#list(path));
        this.#look(thing, lists.get(path) ?? null, waitMs > 0);
      }
    }
  }

  /** A list's silence means something where the create was refused, or where it shows something else that this run made. */
  #look(thing: Created, list: readonly unknown[] | null, isLast: boolean): void {
    if (list === null) return;
    const known = (row: unknown): boolean => this.#ledger.find(idOf(row) ?? "") !== undefined;
    const found = list.find((row) => bears(row, thing.tag) && !known(row));
    if (found !== undefined) this.#ledger.note({ ...thing, id: idOf(found), state: "made" });
    else if (isLast && (thing.state === "refused" || list.some(known))) this.#ledger.forget(thing.tag);
  }

  /** @returns null when it cannot be read. */
  async #list(path: string): Promise<readonly unknown[] | null> {
    const reply = await this.#caller.call("GET", path);
    return reply.status === 200 ? rows(reply.body) : null;
  }

  /** The organization is ours, so all that lies in it is. Not being able to is no matter: it goes with the organization. */
  async #removeProjectsOf(organizationId: string): Promise<void> {
    const path = `${organizations}${organizationId}/projects/`;
    for (const project of (await this.#list(path)) ?? []) {
      const id = text(project, "project_id");
      if (id !== "") await this.#caller.call("DELETE", `${path}${encodeURIComponent(id)}/`);
    }
  }

  /** A 404 alone is not "gone": a stranger gets it too. It is after a DELETE of ours, or where the parent was removed. */
  async #remove(thing: Created): Promise<void> {
    if (thing.id === null) return;
    const wasAsked = thing.state === "deleting";
    this.#ledger.note({ ...thing, state: "deleting" });
    const { status } = await this.#caller.call("DELETE", pathOf(thing, thing.id));
    const isHidden = [403, 404].includes(status);
    if (status < 300 || (status === 404 && wasAsked)) this.#ledger.forget(thing.tag);
    else if (isHidden && this.#isOrphan(thing) && !(await this.#isReachable(thing)))
      this.#ledger.forget(thing.tag);
    else this.#ledger.note({ ...thing, state: "made" });
  }

  /** A project that outlived its organization has no path of its own any more, but its webhooks have. */
  async #isReachable({ kind, id }: Created): Promise<boolean> {
    return kind === "project" && (await this.#list(`/api/v1/webhooks/projects/${id}/`)) !== null;
  }

  async #removeEntity({ tag, type, id }: Of<"entity">): Promise<void> {
    const reply = await this.#caller.call("DELETE", `/v2/entities/${type}/${encodeURIComponent(id)}/`);
    if (!isGone(reply)) return;
    const event = text(reply.body, "event_id");
    if (event === "" || (await this.#isOver(event))) this.#ledger.forget(tag);
  }

  async #isOver(eventId: string): Promise<boolean> {
    const endMs = Date.now() + this.#times.eventMs;
    for (let waitMs = 20; ; waitMs = Math.min(waitMs * 2, 3000)) {
      const reply = await this.#caller.call("GET", `/v1/event/${eventId}/`);
      if (reply.status === 404) return true;
      if (["SUCCEEDED", "FAILED", "CANCELLED"].includes(text(reply.body, "status"))) return true;
      if (Date.now() > endMs) return false;
      await this.#line.sleep(waitMs);
    }
  }
}

function isGone({ status }: Reply): boolean {
  return (status >= 200 && status < 300) || status === 404;
}

function parentOf(thing: Exclude<Created, { kind: "organization" }>): string {
  return thing.kind === "project" ? thing.organization : thing.project;
}

function listOf(thing: Created): string {
  if (thing.kind === "organization") return organizations;
  if (thing.kind === "project") return `${organizations}${thing.organization}/projects/`;
  return `/api/v1/webhooks/projects/${thing.project}/`;
}

function pathOf(thing: Created, id: string): string {
  return thing.kind === "webhook" ? `/api/v1/webhooks/${id}/` : `${listOf(thing)}${id}/`;
}

function bears(row: unknown, tag: string): boolean {
  const [mark = tag] = tag.split("#");
  const given = [text(row, "name"), text(row, "url"), text(row, "description")];
  return given.some((each) => each.toLowerCase().includes(mark));
}

function idOf(row: unknown): string | null {
  const id = field(row, "webhook_id") ?? field(row, "project_id") ?? field(row, "org_id");
  return typeof id === "string" || typeof id === "number" ? String(id) : null;
}

function described(thing: Thing): string {
  return `${thing.kind} ${thing.tag}${thing.id === null ? "" : ` (${thing.id})`}`;
}

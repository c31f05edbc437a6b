import { randomUUID } from "node:crypto";
import { Barred, type Caller, field, type Line, type Reply, rows, text } from "./client.ts";
import type { Created, Ledger } from "./ledger.ts";

/** The bounds of the beliefs, and how long is waited for what takes time; milliseconds. */
export interface Timings {
  /** What was created shows in lists within this. */
  readonly settleMs: number;
  /** What was deleted is gone within this. */
  readonly goneMs: number;
  /** How far dates may lie from the `Date` of the answer. */
  readonly clockMs: number;
  /** An add, or a deletion, is done within this. */
  readonly eventMs: number;
  /** An export is ready within this. */
  readonly exportMs: number;
}

/** A thing with the answer that made it. */
export interface Made {
  readonly id: string;
  readonly tag: string;
  readonly reply: Reply;
}

/** What a create answered, and the id of what it made; null when it made nothing that one knows of. */
export interface Tried {
  readonly reply: Reply;
  readonly tag: string;
  readonly id: string | null;
}

/** A memory that went in as it was sent, in the key's project or in one that a pair of ids led to. */
export interface Remembered {
  readonly id: string;
  readonly user: string;
  readonly event: string;
  readonly reply: Reply;
}

/** Who the key is, by ping. */
export interface Identity {
  readonly org_id: string;
  readonly project_id: string;
  readonly user_email: string;
}

/** The path of all organizations. */
export const organizations = "/api/v1/orgs/organizations/";

/**
 * What a run works with: two callers, and things of its own that are made when the first check needs them. Everything is in the
 * ledger before it is made.
 */
export class World {
  readonly first: Caller;
  /** Another person's account; null where no second key was given. */
  readonly second: Caller | null;
  readonly line: Line;
  readonly ledger: Ledger;
  readonly timings: Timings;
  readonly isLong: boolean;
  /** Reads by id of own things that were there, which were answered 404. */
  readonly hidden: string[] = [];
  /** What is there, for the list at the end, and has been seen in a list. */
  readonly listed = new Set<string>();
  /** Names that no create can have made, for it was refused, with the answer. */
  readonly refusedCreates: { readonly tag: string; readonly seen: string; readonly path: string }[] = [];
  readonly #kept = new Map<string, Promise<unknown>>();

  constructor(given: {
    readonly first: Caller;
    readonly second: Caller | null;
    readonly line: Line;
    readonly ledger: Ledger;
    readonly timings: Timings;
    readonly isLong: boolean;
  }) {
    this.first = given.first;
    this.second = given.second;
    this.line = given.line;
    this.ledger = given.ledger;
    this.timings = given.timings;
    this.isLong = given.isLong;
  }

  /** Does it once, for all checks. */
  once<Value>(name: string, make: () => Promise<Value>): Promise<Value> {
    const kept = this.#kept.get(name) ?? make();
    this.#kept.set(name, kept);
    // Only this function puts values under the name, and each name is used with one kind of value.
    return kept as Promise<Value>;
  }

  /** Who the first key is. @throws {Barred} */
  me(): Promise<Identity> {
    return this.once("me", () => identify(this.first));
  }

  /** Asks until it answers something, or the time is over; with what it took. */
  async until<Value>(
    boundMs: number,
    ask: () => Promise<Value | null>,
  ): Promise<{ readonly value: Value | null; readonly tookMs: number }> {
    const startMs = Date.now();
    for (let waitMs = 20; ; waitMs = Math.min(waitMs * 2, 3000)) {
      const value = await ask();
      const tookMs = Date.now() - startMs;
      if (value !== null || tookMs >= boundMs) return { value, tookMs };
      await this.line.sleep(Math.min(waitMs, Math.max(1, boundMs - tookMs)));
    }
  }

  /**
   * The first organization: made, read and deleted. Where that cannot be done, nothing else is made. @throws {Barred} when none is
   * made.
   */
  trial(): Promise<{ readonly made: Made; readonly read: Reply; readonly deletion: Reply }> {
    return this.once("trial", async () => {
      const { reply, tag, id } = await this.#postOrganization((own) => own, this.ledger.tag());
      if (id === null) throw new Barred(this.first.excerpt(reply));
      const path = `${organizations}${id}/`;
      const read = await this.#readPatiently(path);
      return { made: { id, tag, reply }, read, deletion: await this.deleteOwn(path, id) };
    });
  }

  /**
   * Whatever it answers; what it made is in the ledger. `name` is given the tag.
   * @throws {Barred} when what is made cannot be removed.
   */
  async tryOrganization(name = (tag: string) => tag, tag = this.ledger.tag()): Promise<Tried> {
    const { deletion } = await this.trial();
    if (deletion.status >= 300) throw new Barred("what is made cannot be removed (see 1)");
    return this.#postOrganization(name, tag);
  }

  /** @throws {Barred} when none was made. */
  async makeOrganization(): Promise<Made> {
    const { reply, tag, id } = await this.tryOrganization();
    if (id === null) throw new Barred(this.first.excerpt(reply));
    return { id, tag, reply };
  }

  /** The organization that several checks share. @throws {Barred} */
  organization(): Promise<Made> {
    return this.once("organization", () => this.makeOrganization());
  }

  /** Whatever it answers; what it made is in the ledger. Given a tag that is not in the name, another mark must be. */
  async tryProject(
    organizationId: string,
    given: (tag: string) => Readonly<Record<string, unknown>> = (tag) => ({ name: tag }),
    tag = this.ledger.tag(),
  ): Promise<Tried> {
    const entry = { kind: "project", tag, organization: organizationId, id: null, state: "sent" } as const;
    this.ledger.note(entry);
    const reply = await this.first.call("POST", `${organizations}${organizationId}/projects/`, given(tag));
    const id = idIn(reply, "project_id");
    this.#answered(entry, reply, id);
    return { reply, tag, id };
  }

  /** @throws {Barred} when none was made. */
  async makeProject(organizationId: string): Promise<Made> {
    const { reply, tag, id } = await this.tryProject(organizationId);
    if (id === null) throw new Barred(this.first.excerpt(reply));
    return { id, tag, reply };
  }

  /** A project in the shared organization, with its path. @throws {Barred} */
  project(): Promise<Made & { readonly path: string }> {
    return this.once("project", async () => {
      const { id: organizationId } = await this.organization();
      const made = await this.makeProject(organizationId);
      return { ...made, path: `${organizations}${organizationId}/projects/${made.id}/` };
    });
  }

  /** Whatever it answers; what it made is in the ledger. */
  async tryWebhook(
    projectId: string,
    given: (tag: string) => Readonly<Record<string, unknown>> = (tag) => ({ url: webhookUrl(tag) }),
    tag = this.ledger.tag(),
  ): Promise<Tried> {
    const entry = { kind: "webhook", tag, project: projectId, id: null, state: "sent" } as const;
    this.ledger.note(entry);
    const body = { name: tag, event_types: ["memory_add"], ...given(tag) };
    const reply = await this.first.call("POST", webhooksOf(projectId), body);
    const id = idIn(reply, "webhook_id");
    this.#answered(entry, reply, id);
    return { reply, tag, id };
  }

  /** @throws {Barred} when none was made. */
  async makeWebhook(projectId: string): Promise<Made> {
    const { reply, tag, id } = await this.tryWebhook(projectId);
    if (id === null) throw new Barred(this.first.excerpt(reply));
    return { id, tag, reply };
  }

  /**
   * Reads a thing of ours that is there. @throws {Barred} when it is not shown within the settle delay; a 404 before it was shown
   * is remembered.
   */
  async readOwn(path: string): Promise<Reply> {
    const reply = await this.#readPatiently(path);
    if (reply.status !== 200) throw new Barred(this.first.excerpt(reply));
    return reply;
  }

  /** A new id for a user, agent, app or run, in the ledger. */
  entity(type = "user"): string {
    const id = this.ledger.tag();
    this.ledger.note({ kind: "entity", tag: id, type, id });
    return id;
  }

  /** One add; its event is in the ledger until it is over. */
  async add(body: Readonly<Record<string, unknown>>): Promise<Reply> {
    const reply = await this.first.call("POST", "/v3/memories/add/", body);
    const event = text(reply.body, "event_id");
    const isOver = text(reply.body, "status") === "SUCCEEDED";
    if (event !== "" && !isOver) this.ledger.note({ kind: "event", tag: event, id: event });
    return reply;
  }

  /** The event when it is over, or null when it takes too long. */
  async eventEnd(eventId: string, seen?: (status: string) => void): Promise<Reply | null> {
    const { value } = await this.until(this.timings.eventMs, async () => {
      const reply = await this.first.need([200], "GET", `/v1/event/${eventId}/`);
      const status = text(reply.body, "status");
      seen?.(status);
      return status === "SUCCEEDED" || status === "FAILED" ? reply : null;
    });
    return value;
  }

  /** A memory stored word by word, for a user of its own unless one is named. @throws {Barred} */
  async remember(
    memory: string,
    rest: Readonly<Record<string, unknown>> = {},
    user = this.entity(),
  ): Promise<Remembered> {
    const messages = [{ role: "user", content: memory }];
    const reply = await this.add({ messages, user_id: user, infer: false, ...rest });
    const [stored] = rows(reply.body);
    const id = text(stored, "id");
    if (reply.status !== 200 || id === "") throw new Barred(this.first.excerpt(reply));
    return { id, user, event: text(reply.body, "event_id"), reply };
  }

  /** The memory that several checks read. None of them changes it. @throws {Barred} */
  memory(): Promise<Remembered> {
    return this.once("memory", () => this.remember("Loci contract check: plays the cello on Sundays"));
  }

  /** A list of memories by filters. */
  list(filters: unknown, rest: Readonly<Record<string, unknown>> = {}, query = ""): Promise<Reply> {
    return this.first.call("POST", `/v3/memories/${query}`, { filters, ...rest });
  }

  /** A deletion of something that this run made, by whoever may. Whatever it answers. */
  async deleteOwn(path: string, id: string, by = this.first): Promise<Reply> {
    const entry = this.ledger.find(id);
    if (entry === undefined) throw new Error(`${path} is not in the ledger`);
    this.ledger.note({ ...entry, state: "deleting" });
    const reply = await by.call("DELETE", path);
    if (reply.status < 300) this.ledger.forget(entry.tag);
    else this.ledger.note(entry);
    return reply;
  }

  async #readPatiently(path: string): Promise<Reply> {
    const first = await this.first.call("GET", path);
    if (first.status !== 404) return first;
    const { value } = await this.until(this.timings.settleMs, async () => {
      const reply = await this.first.call("GET", path);
      return reply.status === 404 ? null : reply;
    });
    if (value?.status === 200) this.hidden.push(this.first.excerpt(first));
    return value ?? first;
  }

  async #postOrganization(name: (tag: string) => string, tag: string): Promise<Tried> {
    const entry = { kind: "organization", tag, id: null, state: "sent" } as const;
    this.ledger.note(entry);
    const reply = await this.first.call("POST", organizations, { name: name(tag) });
    const id = idIn(reply, "org_id");
    this.#answered(entry, reply, id);
    return { reply, tag, id };
  }

  #answered(entry: Created, reply: Reply, id: string | null): void {
    if (id !== null) this.ledger.note({ ...entry, id, state: "made" });
    else if (reply.status >= 400 && reply.status < 500 && reply.status !== 408) {
      this.ledger.note({ ...entry, state: "refused" });
      this.refusedCreates.push({ tag: entry.tag, seen: this.first.excerpt(reply), path: reply.path });
    }
  }
}

/** Who the key of a caller is. @throws {Barred} when ping does not say so. */
export async function identify(caller: Caller): Promise<Identity> {
  const { body } = await caller.need([200], "GET", "/v1/ping/");
  const identity = {
    org_id: text(body, "org_id"),
    project_id: text(body, "project_id"),
    user_email: text(body, "user_email"),
  };
  if (Object.values(identity).includes("")) throw new Barred("ping does not say who the key is");
  return identity;
}

/** A URL that nobody answers, for webhooks of projects in which nothing happens. */
export function webhookUrl(tag: string): string {
  return `https://example.com/${tag}`;
}

/** The path of a project's webhooks. */
export function webhooksOf(projectId: string): string {
  return `/api/v1/webhooks/projects/${projectId}/`;
}

/** An id that nothing has. */
export function unknownId(): string {
  return randomUUID();
}

/** Is it a text of some length, or a whole number? */
export function isId(value: unknown): boolean {
  return (typeof value === "string" && value !== "") || Number.isSafeInteger(value);
}

/** The ids of the listed things. */
export function idsIn(reply: Reply, name: string): readonly string[] {
  return rows(reply.body).map((row) => String(field(row, name)));
}

/** Only of a success. A number is taken too. */
function idIn(reply: Reply, name: string): string | null {
  const id = field(reply.body, name);
  return reply.status < 300 && isId(id) ? String(id) : null;
}

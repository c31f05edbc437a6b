import type { ArmedFault, FaultOrder } from "../src/emulator/faults.ts";

/** A row of one of the emulator's tables, as `GET /_emulator/tables` shows it. */
export interface Tables {
  readonly organizations: readonly { org_id: string; name: string; members: readonly MemberRow[] }[];
  readonly projects: readonly {
    project_id: string;
    org_id: string;
    name: string;
    description: string | null;
    is_default: boolean;
    custom_instructions: string | null;
    decay: boolean;
    members: readonly MemberRow[];
  }[];
  readonly webhooks: readonly {
    webhook_id: string;
    project_id: string;
    url: string;
    event_types: readonly string[];
  }[];
  readonly users: readonly { email: string }[];
  readonly keys: readonly { api_key: string; email: string; org_id: string; project_id: string }[];
  readonly memories: readonly (ScopeRow & {
    memory_id: string;
    project_id: string;
    event_id: string;
    memory: string;
    metadata: Readonly<Record<string, unknown>> | null;
    categories: readonly string[];
    expiration_date: string | null;
    immutable: boolean;
    replaced_by: string | null;
  })[];
  readonly history: readonly (ScopeRow & {
    history_id: string;
    memory_id: string;
    project_id: string;
    event: string;
    old_memory: string | null;
    new_memory: string | null;
  })[];
  readonly events: readonly {
    event_id: string;
    project_id: string;
    event_type: string;
    status: string;
    payload: Readonly<Record<string, unknown>>;
    results: readonly object[];
    error: string | null;
  }[];
  readonly entities: readonly {
    entity_id: string;
    project_id: string;
    type: string;
    name: string;
    owner: string;
  }[];
  readonly feedback: readonly {
    feedback_id: string;
    memory_id: string;
    project_id: string;
    feedback: string;
    feedback_reason: string | null;
  }[];
  readonly exports: readonly {
    export_id: string;
    project_id: string;
    schema: Readonly<Record<string, unknown>>;
    filters: string;
    export_instructions: string | null;
    result: Readonly<Record<string, unknown>>;
  }[];
}

/** Whom a memory belongs to. */
interface ScopeRow {
  readonly user_id: string | null;
  readonly agent_id: string | null;
  readonly app_id: string | null;
  readonly run_id: string | null;
}

interface MemberRow {
  readonly email: string;
  readonly role: string;
}

/** A request that the emulator saw. Times are milliseconds since the epoch. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly body: unknown;
  readonly status: number;
  readonly startedAtMs: number;
  readonly answeredAtMs: number;
  readonly fault: string | null;
}

/** The emulator's control plane over its real HTTP, for tests in this process and across processes. */
export class EmulatorControl {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  tables(): Promise<Tables> {
    return this.#send("GET", "tables");
  }

  requests(query: Record<string, string> = {}): Promise<{ requests: SeenRequest[]; criticalPath: number }> {
    return this.#send("GET", `requests?${new URLSearchParams(query)}`);
  }

  clearRequests(): Promise<unknown> {
    return this.#send("DELETE", "requests");
  }

  failNext(order: Pick<FaultOrder, "match" | "fault"> & Partial<FaultOrder>): Promise<{ id: string }> {
    return this.#send("POST", "fail-next", order);
  }

  async faults(): Promise<ArmedFault[]> {
    const { faults } = await this.#send<{ faults: ArmedFault[] }>("GET", "faults");
    return faults;
  }

  clearFaults(): Promise<unknown> {
    return this.#send("DELETE", "faults");
  }

  registerUser(email: string): Promise<unknown> {
    return this.#send("POST", "users", { email });
  }

  setSwitches(switches: object): Promise<unknown> {
    return this.#send("PATCH", "switches", switches);
  }

  putOrganization(organization: object): Promise<{ org_id: string }> {
    return this.#send("POST", "organizations", organization);
  }

  /** Makes a key bound to this place, of this person or else of the first key's. It lives until it is revoked. */
  async makeKey(bound: { org_id: string; project_id: string; email?: string }): Promise<string> {
    const { api_key } = await this.#send<{ api_key: string }>("POST", "keys", bound);
    return api_key;
  }

  revokeKey(apiKey: string): Promise<unknown> {
    return this.#send("DELETE", `keys/${apiKey}`);
  }

  putMember(member: object): Promise<unknown> {
    return this.#send("POST", "members", member);
  }

  removeMember(member: object): Promise<unknown> {
    return this.#send("DELETE", "members", member);
  }

  async #send<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(`${this.#url}/_emulator/${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} /_emulator/${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }
}

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
}

interface MemberRow {
  readonly email: string;
  readonly role: string;
}

/** A request that the emulator saw. Times are milliseconds since the epoch. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
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

import { afterEach } from "vitest";
import { type Emulator, type EmulatorOptions, startEmulator } from "../../src/emulator/emulator.ts";

/** What came back: the body parsed when it is JSON, else as text. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: unknown;
}

const running: Emulator[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((emulator) => emulator.close()));
});

type Rows = readonly {
  readonly name?: string;
  readonly org_id?: string;
  readonly webhook_id?: string;
  readonly user_id?: string;
  readonly memory_id?: string;
  readonly entity_id?: string;
}[];

/** What `GET /_emulator/tables` answers. */
export interface Tables {
  readonly organizations: Rows;
  readonly projects: Rows;
  readonly webhooks: Rows;
  readonly users: Rows;
  readonly keys: Rows;
  readonly memories: Rows;
  readonly history: Rows;
  readonly events: Rows;
  readonly entities: Rows;
}

/** A client of one emulator, as its first key or as another. It follows no redirects. */
export class Rig {
  readonly url: string;
  readonly apiKey: string;

  constructor(url: string, apiKey: string) {
    this.url = url;
    this.apiKey = apiKey;
  }

  as(apiKey: string): Rig {
    return new Rig(this.url, apiKey);
  }

  async call(method: string, path: string, body?: unknown): Promise<Reply> {
    return this.send(path, {
      method,
      headers: { authorization: `Token ${this.apiKey}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async send(path: string, init: RequestInit): Promise<Reply> {
    const response = await fetch(this.url + path, { redirect: "manual", ...init });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parse(text) };
  }

  /** A control call that must succeed; the test says what it answers. */
  async control<Answer = unknown>(method: string, path: string, body?: unknown): Promise<Answer> {
    const reply = await this.call(method, `/_emulator/${path}`, body);
    if (reply.status !== 200) throw new Error(`Control ${method} ${path}: ${reply.status} ${reply.text}`);
    return reply.body as Answer;
  }

  async tables(query = ""): Promise<Tables> {
    return this.control("GET", `tables${query}`);
  }

  async switches(some: Record<string, unknown>): Promise<void> {
    await this.control("PATCH", "switches", some);
  }

  async failNext(fault: Record<string, unknown>, rest: Record<string, unknown> = {}): Promise<string> {
    return (await this.control<{ id: string }>("POST", "fail-next", { fault, ...rest })).id;
  }

  async ping(): Promise<{ org_id: string; project_id: string; user_email: string }> {
    return (await this.call("GET", "/v1/ping/")).body as {
      org_id: string;
      project_id: string;
      user_email: string;
    };
  }

  async createOrganization(name = "Acme"): Promise<string> {
    const reply = await this.call("POST", organizationsPath, { name });
    return (reply.body as { org_id: string }).org_id;
  }

  async createProject(orgId: string, name = "memories", description?: string): Promise<string> {
    const reply = await this.call("POST", `${organizationsPath}${orgId}/projects/`, { name, description });
    return (reply.body as { project_id: string }).project_id;
  }

  /** A client of somebody else, who is registered and has a key of a place of his own. */
  async somebodyElse(email: string): Promise<Rig> {
    const given = { name: `of ${email}`, owner_email: email };
    const place = await this.control<{ org_id: string; project_id: string }>("POST", "organizations", given);
    return this.as(await this.makeKey({ ...place, email }));
  }

  async makeKey(bound: { org_id: string; project_id: string; email?: string }): Promise<string> {
    return (await this.control<{ api_key: string }>("POST", "keys", bound)).api_key;
  }

  organizationPath(orgId: string): string {
    return `${organizationsPath}${orgId}/`;
  }

  projectPath(orgId: string, projectId: string): string {
    return `${organizationsPath}${orgId}/projects/${projectId}/`;
  }

  webhooksPath(projectId: string): string {
    return `/api/v1/webhooks/projects/${projectId}/`;
  }
}

export const organizationsPath = "/api/v1/orgs/organizations/";

/** Starts an emulator that ends with the test. */
export async function startRig(options: EmulatorOptions = {}): Promise<Rig> {
  const emulator = await startEmulator(options);
  running.push(emulator);
  return new Rig(emulator.url, emulator.apiKey);
}

/** Asks again and again until the answer is a yes; gives up after ten seconds. */
export async function until(asked: () => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + 10_000;
  while (!(await asked())) {
    if (Date.now() > endMs) throw new Error("It has not come true within ten seconds");
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

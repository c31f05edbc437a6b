import { rm } from "node:fs/promises";
import path from "node:path";
import type { Lifetime } from "../../src/lifetime.ts";
import { makeTemporaryFolder } from "../database/temporary-folder.ts";
import { EmulatorControl } from "../emulator-control.ts";
import { type Run, run } from "../run-loci.ts";
import { openTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

/** Every answer comes so long after the deed, so that blows fall in between. */
const latencyMs = 60;
const apiKey = "m0-chaos";

/** An emulator of Mem0 in a process of its own, which keeps what it has in a journal and can be killed. */
export class ChaosUpstream {
  readonly apiKey = apiKey;
  readonly proxy: TcpProxy;
  readonly #program: string;
  readonly #journal: string;
  readonly #port: number;
  #run: Run;
  /** Requests that processes saw which are dead by now. */
  #seenBefore = 0;

  private constructor(
    made: { readonly program: string; readonly journal: string; readonly port: number },
    started: Run,
    proxy: TcpProxy,
  ) {
    this.#program = made.program;
    this.#journal = made.journal;
    this.#port = made.port;
    this.#run = started;
    this.proxy = proxy;
  }

  /** Starts it; with the lifetime's end all is gone. */
  static async start(program: string, lifetime: Lifetime): Promise<ChaosUpstream> {
    const folder = await lifetime.keep({
      name: "the journal's folder",
      make: () => makeTemporaryFolder("loci-chaos-upstream-"),
      stop: (made) => rm(made.path, { recursive: true, force: true }),
    });
    const journal = path.join(folder.path, "emulator.journal");
    const first = await start(program, journal, 0);
    const url = /on (http:\S+) with/.exec(first.stdout())?.[1] ?? "";
    const port = Number(new URL(url).port);
    const proxy = await openTcpProxy(() => port);
    const upstream = new ChaosUpstream({ program, journal, port }, first, proxy);
    await lifetime.keep({
      name: "the emulator and the net to it",
      make: async () => upstream,
      stop: async (made) => {
        made.#run.kill("SIGKILL");
        await proxy.close();
      },
    });
    return upstream;
  }

  /** For those who look at what is the case. */
  get control(): EmulatorControl {
    return new EmulatorControl(this.direct);
  }

  /** The control plane's address. */
  get direct(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** For Loci. */
  get proxied(): string {
    return `http://127.0.0.1:${this.proxy.port}`;
  }

  /** Kills it with -9, and starts it again on its journal. */
  async crash(): Promise<void> {
    this.#run.kill("SIGKILL");
    await this.#run.ended;
    this.#seenBefore += seenBy(this.#run);
    this.#run = await start(this.#program, this.#journal, this.#port);
  }

  /** How many requests to Mem0 have been answered, or broke off. */
  requests(): number {
    return this.#seenBefore + seenBy(this.#run);
  }
}

async function start(program: string, journal: string, port: number): Promise<Run> {
  const options = { port, journal, "api-key": apiKey, "latency-ms": latencyMs };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const started = run(program, args, {});
  await started.said("with the API key");
  return started;
}

/** It writes a line of each. */
function seenBy({ stderr }: Run): number {
  return stderr().split("\n").length - 1;
}

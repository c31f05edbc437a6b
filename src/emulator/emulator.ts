import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { serveControl } from "./control/serve-control.ts";
import { exchange } from "./exchange.ts";
import { FaultRegistry } from "./faults.ts";
import { Journal } from "./journal.ts";
import { RequestLog, type RequestLogLine } from "./request-log.ts";
import { resources } from "./resources.ts";
import { Router } from "./router.ts";
import { plantSeed, type Seed, seedRows } from "./seed.ts";
import { State } from "./state.ts";
import { defaultSwitches, readSwitches, type Switches } from "./switches.ts";
import { Throttle } from "./throttle.ts";
import { Timers } from "./timers.ts";
import { Courier } from "./webhook-courier.ts";

/** How to start an emulator. */
export interface EmulatorOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** Default 127.0.0.1. Loopback only: the control plane has no authentication. */
  readonly host?: string;
  /** The first key. Absent: the journal's first, or a new one. */
  readonly apiKey?: string;
  /** The first person, default platform@loci.test. A journal's first person stays. */
  readonly userEmail?: string;
  /** Where to keep every change. Absent: memory only. One running emulator a file. */
  readonly journalPath?: string;
  /** Over the defaults, and over what a journal says; a reset comes back to defaults with these. */
  readonly switches?: Partial<Switches>;
  /** Told of every upstream request when it has ended. */
  readonly log?: (line: RequestLogLine) => void;
}

/** A running emulator. `close` ends every connection, calls off late deeds, and may be called twice. */
export interface Emulator {
  readonly url: string;
  readonly port: number;
  readonly apiKey: string;
  close(): Promise<void>;
}

/** Longer than any client's pool keeps a connection: the server must not be the one who hangs up on an idle one. */
const keepAliveTimeoutMs = 75_000;

/**
 * Starts a server that behaves as api.mem0.ai does.
 * @throws {RangeError} when the host is not a loopback address.
 * @throws {SwitchRefused} when a switch does not exist or cannot have its value.
 * @throws {JournalUnreadable} when the journal is damaged anywhere but at its end.
 * @throws the system's own error (`EADDRINUSE`) when the port is taken; the journal was not touched then.
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { port = 0, host = "127.0.0.1" } = options;
  if (!/^(127\.\d+\.\d+\.\d+|::1|localhost)$/.test(host)) {
    throw new RangeError(`The emulator listens on loopback only, not on ${host}.`);
  }
  const freshSwitches = { ...defaultSwitches, ...readSwitches({ ...options.switches }) };
  const server = createServer({ keepAliveTimeout: keepAliveTimeoutMs });
  const bound = await listen(server, port, host);
  try {
    const { seed, onRequest, dispose } = build(options, freshSwitches);
    server.on("request", onRequest);
    const name = host.includes(":") ? `[${host}]` : host;
    const close = closing(server, dispose);
    return { url: `http://${name}:${bound}`, port: bound, apiKey: seed.apiKey, close };
  } catch (error) {
    server.close();
    throw error;
  }
}

interface Built {
  readonly seed: Seed;
  onRequest(request: IncomingMessage, response: ServerResponse): void;
  dispose(): void;
}

function build(options: EmulatorOptions, freshSwitches: Switches): Built {
  const state = new State(resources.flatMap((resource) => resource.tables));
  const opened = options.journalPath === undefined ? null : Journal.open(options.journalPath);
  if (opened !== null) state.attach(opened.journal, opened.entries);
  state.setSwitches(opened === null || opened.entries.length === 0 ? freshSwitches : { ...options.switches });
  const seed = plantSeed({ state }, options);
  const router = new Router(resources.flatMap((resource) => resource.routes));
  const courier = new Courier(state);
  state.watchedBy(courier);
  const faults = new FaultRegistry();
  const log = new RequestLog(options.log);
  const timers = new Timers();
  const throttle = new Throttle();
  const serving = { state, router, throttle };
  const reset = (): void => {
    courier.clear();
    state.reset(seedRows(seed), freshSwitches);
    faults.clear();
    log.clear();
    throttle.clear();
  };
  return {
    seed,
    onRequest(request, response) {
      const isControl = (request.url ?? "").startsWith("/_emulator/");
      if (isControl) void serveControl({ state, faults, log, seed, reset }, request, response);
      else void exchange({ serving, faults, log, timers }, request, response);
    },
    dispose() {
      timers.clear();
      courier.clear();
      opened?.journal.close();
    },
  };
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      // A server that listens on a host and port has an address of this form.
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function closing(server: Server, dispose: () => void): () => Promise<void> {
  return () =>
    new Promise((resolve) => {
      server.close(() => {
        dispose();
        resolve();
      });
      server.closeAllConnections();
    });
}

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { FromWorker, ToWorker, WorkerOrder } from "./messages.ts";

const program = fileURLToPath(new URL("./worker-process.js", import.meta.url));

/** How long a worker may take until it runs sagas, on a busy machine. */
const readyMs = 60_000;

/** A worker process of the matrix. */
export interface Worker {
  /** Whether it ended without having been killed here. */
  hasEnded(): boolean;
  /** From now on what was made to fail for good may succeed. */
  clear(): Promise<void>;
  /** Kills it with -9 and waits until it is gone. A repeat does nothing. */
  kill9(): Promise<void>;
}

/** Starts one and waits until it runs sagas. @throws {Error} with what it said, when it does not come up */
export async function startWorker(order: WorkerOrder, tell: (message: FromWorker) => void): Promise<Worker> {
  const child = fork(program, [], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const exited = once(child, "exit");
  const ready = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("A worker did not come up in time.")), readyMs);
    child.on("message", (message: FromWorker) => {
      if (message.is === "failed") reject(new Error(message.error));
      if (message.is === "ready") resolve();
      tell(message);
    });
    void exited.then(([code]) => reject(new Error(`A worker ended with ${code} before it was ready.`)));
    void exited.finally(() => clearTimeout(timer));
    child.once("error", reject);
  });
  const send = (message: ToWorker) => child.send(message);
  send({ is: "order", order });
  try {
    await ready;
  } catch (error) {
    await kill9(child, exited);
    throw error;
  }
  return {
    hasEnded: () => !child.killed && (child.exitCode !== null || child.signalCode !== null),
    clear: async () => {
      const cleared = new Promise<void>((resolve) => {
        child.on("message", (message: FromWorker) => {
          if (message.is === "cleared") resolve();
        });
      });
      send({ is: "clear" });
      await Promise.race([cleared, exited]);
    },
    kill9: () => kill9(child, exited),
  };
}

async function kill9(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  await exited;
}

import type { Around } from "../src/provisioning/provisioning.ts";

/** When the sagas of this process got where. */
export interface SagaMoments {
  /** For the runner: sees the step `activate` end. */
  readonly around: Around;
  /** To be told when a run has ended. */
  ended(operationId: string): void;
  /** Waits until the tenant is ACTIVE, and answers when that was known to be committed (`performance.now`). */
  active(operationId: string): Promise<number>;
  /** Waits until the run has ended, and answers when. */
  end(operationId: string): Promise<number>;
}

const patienceMs = 120_000;

/** Nothing is asked of the database for it, so that the waiting costs what is measured nothing. */
export function createSagaMoments(): SagaMoments {
  const active = createMoments("ACTIVE");
  const end = createMoments("at its end");
  return {
    around: async (deed, proceed) => {
      const answer = await proceed();
      // Its deed's promise is fulfilled when the commit was answered.
      if (deed.step === "activate" && deed.direction === "invoke") active.came(deed.operationId);
      return answer;
    },
    ended: end.came,
    active: active.wait,
    end: end.wait,
  };
}

interface Moments {
  came(id: string): void;
  wait(id: string): Promise<number>;
}

/** One kind of moment, which may come before somebody waits for it or after. Each is waited for once, or never. */
function createMoments(what: string): Moments {
  const passed = new Map<string, number>();
  const waiting = new Map<string, (at: number) => void>();
  return {
    came: (id) => {
      const at = performance.now();
      const tell = waiting.get(id);
      if (tell === undefined) passed.set(id, at);
      else tell(at);
    },
    wait: (id) =>
      new Promise((resolve, reject) => {
        const at = passed.get(id);
        passed.delete(id);
        if (at !== undefined) {
          resolve(at);
          return;
        }
        const late = () => reject(new Error(`${id} is not ${what} after ${patienceMs} ms.`));
        const timer = setTimeout(late, patienceMs);
        waiting.set(id, (came) => {
          waiting.delete(id);
          clearTimeout(timer);
          resolve(came);
        });
      }),
  };
}

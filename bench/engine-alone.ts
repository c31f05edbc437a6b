import { DBOS } from "@dbos-inc/dbos-sdk";

/** The engine's own saga of six steps: nothing of Loci in it. Runs once, from the start to its recorded end. */
export type EngineSaga = () => Promise<void>;

const steps = 6;

/**
 * Registers a workflow of six steps, one after the other, that each do one deed and answer nothing. To be called before
 * the engine is launched, and run after it, on the same engine that Loci's sagas use.
 */
export function registerEngineSaga(name: string, deed: () => Promise<void>): EngineSaga {
  const workflow = DBOS.registerWorkflow(
    async () => {
      for (let step = 1; step <= steps; step++) await DBOS.runStep(deed, { name: `step ${step}` });
    },
    { name },
  );
  return async () => {
    const handle = await DBOS.startWorkflow(workflow)();
    await handle.getResult();
  };
}

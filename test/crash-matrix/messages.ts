import type { PlacedCell } from "./cell.ts";

/** What a worker is started with. JSON. */
export interface WorkerOrder {
  readonly databaseUrl: string;
  readonly emulatorUrl: string;
  readonly apiKey: string;
  /** 1: cells reach their crash points. 2: they go on. */
  readonly life: 1 | 2;
  readonly cells: readonly PlacedCell[];
}

/** What a worker is told. */
export type ToWorker =
  | { readonly is: "order"; readonly order: WorkerOrder }
  /** What fails for good may succeed from now on. */
  | { readonly is: "clear" };

/** What a worker tells. */
export type FromWorker =
  | { readonly is: "ready"; readonly executorId: string }
  /** A fault was armed for a request that is about to be sent: the one under test, or what makes an attempt fail once. */
  | { readonly is: "armed"; readonly key: string; readonly faultId: string; readonly isUnderTest: boolean }
  /** A crash point is reached. `isRecorded`: the deed was done, and the engine has recorded that. */
  | { readonly is: "reached"; readonly key: string; readonly isRecorded: boolean }
  | { readonly is: "cleared" }
  | { readonly is: "failed"; readonly error: string };

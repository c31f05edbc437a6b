import type { Logger } from "pino";

const operationChannel = "loci_operation";
const workChannel = "loci_work";

/** What the feed's connection has to listen to. */
export const feedChannels: readonly string[] = [operationChannel, workChannel];

/** What the feed wants to hear from its connection. */
export interface FeedReceiver {
  notified(channel: string, payload: string): void;
  /** From now on nothing is missed; before, something may have been. */
  listening(): void;
}

/** A connection between processes, as `database/listen.ts` opens it. `send` neither throws nor waits. */
export interface FeedConnection {
  send(channel: string, payload: string): void;
  isListening(): boolean;
  close(): Promise<void>;
}

/**
 * Tells, between all processes on a database and within each, that an operation changed and that there is work. It says
 * that something is new, never what: whoever is told looks. What is told may be lost while a connection is broken, so
 * whoever listens also looks by itself, less often; after a break everybody is told once.
 */
export interface OperationFeed {
  /** An operation's rows have changed: told here at once, elsewhere some milliseconds later. Never throws, never waits. */
  announce(operationId: string): void;
  /** There is work to take up, told as `announce` is: to this process at once and to all others. */
  wake(): void;
  /** Has `listener` called whenever there may be work. Answers what ends it; a repeat of that does nothing. */
  onWake(listener: () => void): () => void;
  /** Has `onChange` called whenever the operation may have changed. Answers what ends it; a repeat of that does nothing. */
  subscribe(operationId: string, onChange: () => void): () => void;
  /** Whether other processes are heard now. */
  isListening(): boolean;
  /** Ends the connection. From then on nothing is told to other processes, nor heard of them. */
  close(): Promise<void>;
}

/** Makes the feed over a connection that `open` makes. A listener that throws is logged, and the others are told. */
export function createOperationFeed(
  open: (receiver: FeedReceiver) => FeedConnection,
  log: Logger,
): OperationFeed {
  const wakers = new Set<() => void>();
  const watchers = new Map<string, Set<() => void>>();

  const tell = (listeners: Iterable<() => void>) => {
    for (const listener of [...listeners]) {
      try {
        listener();
      } catch (error) {
        log.error({ err: error }, "a listener of the feed failed");
      }
    }
  };
  const tellOf = (operationId: string) => tell(watchers.get(operationId) ?? []);

  const connection = open({
    notified(channel, payload) {
      if (channel === workChannel) tell(wakers);
      else tellOf(payload);
    },
    listening() {
      tell([...watchers.values()].flatMap((listeners) => [...listeners]));
      tell(wakers);
    },
  });

  return {
    announce(operationId) {
      tellOf(operationId);
      connection.send(operationChannel, operationId);
    },
    wake() {
      tell(wakers);
      connection.send(workChannel, "");
    },
    onWake(listener) {
      // A function of its own for each call, so that the same listener twice is two.
      const waker = () => listener();
      wakers.add(waker);
      return () => wakers.delete(waker);
    },
    subscribe(operationId, onChange) {
      const watcher = () => onChange();
      const listeners = watchers.get(operationId) ?? new Set();
      watchers.set(operationId, listeners.add(watcher));
      return () => {
        listeners.delete(watcher);
        // A set that was emptied before may have been replaced meanwhile.
        if (listeners.size === 0 && watchers.get(operationId) === listeners) watchers.delete(operationId);
      };
    },
    isListening: () => connection.isListening(),
    close: () => connection.close(),
  };
}

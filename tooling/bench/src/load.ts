import { Worker } from 'node:worker_threads';

/** What one request is about. */
export interface Target {
  readonly environmentId?: string;
  readonly nodeIds: readonly string[];
  readonly path?: string;
  readonly body?: object;
}

export interface Order {
  readonly url: string;
  readonly token: string;
  readonly clients: number;
  readonly seconds: number;
  readonly shape: 'allocate' | 'pair' | 'read' | 'ask';
  readonly targets: readonly Target[];
  /** By turns, else at random. */
  readonly inTurn?: boolean;
  /** Each client ends with its first refusal. */
  readonly untilRefused?: boolean;
}

/** The same of the limit: rounds of statements, each client on a connection of its own. */
export interface LimitOrder {
  readonly url: string;
  readonly clients: number;
  readonly seconds: number;
  /** Statements of one round; `$1` is one of the targets, `$2` what the statement before gave. */
  readonly round: readonly string[];
  readonly targets: readonly string[];
}

/** Pieces of durable work, one after another for each client. */
export interface WorkOrder {
  readonly url: string;
  readonly clients: number;
  readonly seconds: number;
}

/** Tasks on a database that holds task and the mailbox; what the stand-in keeps is beside it. */
export interface TaskOrder extends WorkOrder {
  readonly passwordFile: string;
  readonly journalUrl: string;
  /** The stand-in is a process of its own then; without it, one with the mailbox. */
  readonly natsUrl?: string;
}

export interface Outcome {
  done: number;
  refused: number;
  failed: number;
  failures: string[];
  /** From the beginning to the last that was granted. */
  seconds: number;
  latencies: number[];
}

export interface Measured extends Omit<Outcome, 'latencies'> {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export function summed({ latencies, ...outcome }: Outcome): Measured {
  const sorted = Float64Array.from(latencies).toSorted();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { ...outcome, perSecond: outcome.done / outcome.seconds, p50Ms: at(0.5), p99Ms: at(0.99) };
}

export const load = (order: Order): Promise<Measured> => inWorker('./load-worker.js', order);
export const limit = (order: LimitOrder): Promise<Measured> => inWorker('./limit-worker.js', order);
export const tasks = (order: TaskOrder): Promise<Measured> => inWorker('./task-worker.js', order);
export const workflows = (order: WorkOrder): Promise<Measured> => inWorker('./workflow-worker.js', order);

/** Every client does one after another until the time is over; what begins in time is done to its end. */
export async function inTime(
  { clients, seconds }: WorkOrder,
  one: (client: number) => Promise<void>,
): Promise<Measured> {
  const outcome: Outcome = { done: 0, refused: 0, failed: 0, failures: [], seconds: 0, latencies: [] };
  const began = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      while (performance.now() - began < seconds * 1_000) {
        const from = performance.now();
        try {
          await one(client);
          outcome.done += 1;
          outcome.latencies.push(performance.now() - from);
        } catch (error) {
          outcome.failed += 1;
          if (outcome.failures.length < 5) outcome.failures.push(String(error).slice(0, 300));
        }
      }
    }),
  );
  outcome.seconds = (performance.now() - began) / 1_000;
  return summed(outcome);
}

function inWorker(file: string, order: Order | LimitOrder | WorkOrder): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(file, import.meta.url), { workerData: order });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error(`${file} ended without an answer`)));
  });
}

/** Several runs of the same as one: what was done in the time that it took; the worse of the tails. */
export function together(runs: readonly Measured[]): Measured {
  const sum = (of: (run: Measured) => number) => runs.reduce((total, run) => total + of(run), 0);
  const done = sum((run) => run.done);
  const seconds = sum((run) => run.seconds);
  return {
    done,
    seconds,
    refused: sum((run) => run.refused),
    failed: sum((run) => run.failed),
    failures: runs.flatMap((run) => run.failures),
    perSecond: done / seconds,
    p50Ms: Math.max(...runs.map((run) => run.p50Ms)),
    p99Ms: Math.max(...runs.map((run) => run.p99Ms)),
  };
}

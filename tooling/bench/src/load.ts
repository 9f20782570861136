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

function inWorker(file: string, order: Order | LimitOrder): Promise<Measured> {
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

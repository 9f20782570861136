import { decodeId, type Id } from '@sentral/contracts/ids';
import type { Task } from '@sentral/contracts/task/task';
import type { Pulse } from '@sentral/task';
import type { Asked } from './mount.js';

/** What `Prefer: wait=n` asks for, in seconds; 0 where it asks for nothing that is known (RFC 7240: then it is passed over). */
export function preferredWait({ raw }: Pick<Asked, 'raw'>): number {
  const [, seconds] = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?\s*(?:[,;]|$)/i.exec(raw.headers.get('prefer') ?? '') ?? [];
  return Math.min(Number(seconds ?? 0), waitSecondsMax);
}

const waitSecondsMax = 30;
const recheckMs = 2_000;
const waitersMax = 500;

export interface Waiting {
  /** Settles when the task has moved, or after so long, or when the process stops. */
  next(id: Id<'tsk'>, ms: number): Promise<void>;
  /**
   * Reads a task until it is as wanted, the time is over or the process stops: woken by whoever moves it in this process, and every two seconds
   * for what others do. Nothing but memory is held meanwhile; beyond 500 at once nobody waits.
   */
  until(id: Id<'tsk'>, of: { read(): Promise<Task>; wanted(task: Task): boolean; seconds: number }): Promise<Task>;
}

const ended: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled', 'abandoned']);
export const hasEnded = ({ state }: Pick<Task, 'state'>): boolean => ended.has(state);

export function createWaiting(pulse: Pick<Pulse, 'onMoved'>, draining: () => boolean): Waiting {
  const waiters = new Map<string, Set<() => void>>();
  let waiting = 0;
  pulse.onMoved((taskId) => {
    for (const wake of waiters.get(taskId) ?? []) wake();
  });

  function listen(id: Id<'tsk'>, ms: number): { readonly done: Promise<void>; readonly settle: () => void } {
    const taskId = decodeId('tsk', id);
    const own = waiters.get(taskId) ?? new Set();
    waiters.set(taskId, own);
    let settle = (): void => undefined;
    const done = new Promise<void>((resolve) => {
      const timer = setTimeout(() => settle(), ms);
      settle = () => {
        clearTimeout(timer);
        own.delete(settle);
        if (own.size === 0 && waiters.get(taskId) === own) waiters.delete(taskId);
        resolve();
      };
      own.add(settle);
    });
    return { done, settle: () => settle() };
  }

  return {
    next: (id, ms) => listen(id, ms).done,
    async until(id, { read, wanted, seconds }) {
      const end = performance.now() + seconds * 1_000;
      const left = (): number => Math.max(0, end - performance.now());
      if (waiting >= waitersMax) return read();
      waiting += 1;
      try {
        for (;;) {
          // Listened for before it is looked at: what moves in between is seen.
          const moved = listen(id, Math.min(recheckMs, left()));
          const task = await read().catch((error: unknown) => {
            moved.settle();
            throw error;
          });
          if (wanted(task) || left() === 0 || draining()) {
            moved.settle();
            return task;
          }
          await moved.done;
        }
      } finally {
        waiting -= 1;
      }
    },
  };
}

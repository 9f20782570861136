import type { Finding } from '@sentral/contracts/inventory/finding';
import type { PlatformResource } from '@sentral/contracts/inventory/platform-resource';
import type { observationSchema } from '@sentral/contracts/services/query';
import type { InferOutput } from 'valibot';
import type { TaskStateName } from '../decide/aggregate.js';

// What is there against what should be (task.md 13, R2). Pure: the scan brings both lists, and does what is said here.

export type Observation = InferOutput<typeof observationSchema>;

/** As much of a resource as the comparison needs. */
export type Intended = Pick<PlatformResource, 'state' | 'status'>;

/** The step that has made a thing, by the op that it carries. */
export interface Maker {
  readonly taskId: string;
  readonly state: TaskStateName;
}

export type Comparison =
  /** A task is at it, or nothing can be said: nobody is told anything. */
  | { readonly is: 'unclear' }
  | { readonly is: 'as-intended' }
  | {
      readonly is: 'different';
      readonly kind: Finding['kind'];
      readonly expected?: string;
      readonly observed?: string;
    };

/**
 * `maker` is that of a thing that inventory knows nothing of. What nobody made is foreign and is never deleted; what a task that was
 * taken back has left is an orphan; what a live task makes is on its way.
 */
export function compare(
  intended: Intended | undefined,
  seen: Observation | undefined,
  maker: Maker | undefined,
): Comparison {
  if (intended !== undefined) {
    if (intended.state !== 'available') return { is: 'unclear' };
    if (seen === undefined) return { is: 'different', kind: 'missing' };
    const told = intended.status?.['specHash'];
    if (typeof told !== 'string' || told === seen.specHash) return { is: 'as-intended' };
    return { is: 'different', kind: 'drift', expected: told, observed: seen.specHash };
  }
  if (seen === undefined) return { is: 'unclear' };
  switch (maker?.state) {
    case undefined:
    case 'succeeded':
      return { is: 'different', kind: 'foreign' };
    case 'failed':
    case 'cancelled':
    case 'abandoned':
      return { is: 'different', kind: 'orphan' };
    case 'queued':
    case 'running':
    case 'unwinding':
    case 'stuck':
      return { is: 'unclear' };
  }
}

/** Whether a list is in the order that two lists are compared in, and goes on where the page before ended. */
export function isInOrder(items: readonly Observation[], after: string | undefined): boolean {
  return items.every(({ resource }, at) => {
    const before = at === 0 ? after : items[at - 1]?.resource;
    return before === undefined || before < resource;
  });
}

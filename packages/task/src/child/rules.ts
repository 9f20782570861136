import type { Direction } from '@sentral/contracts/services/message';
import { isTerminal, type Cause, type TaskStateName } from '../decide/aggregate.js';
import type { Json } from '../plan/template.js';

// What a step of kind child does next, from its children as they are (pure). Each answer is one transaction of one task, after which
// it is asked again; so a process may die between any two of them, and another goes on.

/** A task that a step has made. `do` is its work; `undo` takes back what the one of the same index had done. */
export interface Child {
  readonly id: string;
  readonly direction: Direction;
  readonly index: number;
  /** The attempt of the step that made it: a person who tries again gets a new task for one that has failed. */
  readonly round: number;
  readonly state: TaskStateName;
  readonly cause: Cause | null;
  /** It is before its pivot, and nobody takes it back yet. */
  readonly revocable: boolean;
  readonly output: Json;
}

export type Move =
  | { readonly act: 'make'; readonly direction: Direction; readonly index: number }
  | { readonly act: 'revoke'; readonly child: Child }
  | { readonly act: 'wait' }
  | { readonly act: 'succeed'; readonly children: readonly Child[] }
  | { readonly act: 'undone'; readonly found: boolean }
  | { readonly act: 'fail'; readonly code: string; readonly child: Child };

export interface Family {
  /** How many the step asks for in this direction. */
  readonly count: number;
  readonly round: number;
  readonly children: readonly Child[];
}

const isLive = ({ state }: Child): boolean => !isTerminal(state);
const hasFailed = (child: Child): boolean => !isLive(child) && child.state !== 'succeeded';

/** The newest of each index; those before it have ended without success and left nothing, or what somebody has accepted. */
function newest(children: readonly Child[], direction: Direction): ReadonlyMap<number, Child> {
  const found = new Map<number, Child>();
  for (const child of children)
    if (child.direction === direction && child.round >= (found.get(child.index)?.round ?? 0))
      found.set(child.index, child);
  return found;
}

/** All are made, and the step succeeds with all of them; the first that fails ends the others. */
export function runNext({ count, round, children }: Family): Move {
  const now = newest(children, 'do');
  const all = [...now.values()];
  const ended = all.filter((child) => hasFailed(child) && child.round >= round);
  // Those that were ended because of another are not why.
  const failed = ended.find(({ state, cause }) => state !== 'cancelled' && cause !== 'dependency') ?? ended[0];
  if (failed !== undefined) return revokeNext(all) ?? { act: 'fail', code: `child_${failed.state}`, child: failed };
  for (let index = 0; index < count; index += 1) {
    const child = now.get(index);
    if (child === undefined || hasFailed(child)) return { act: 'make', direction: 'do', index };
  }
  if (all.some(isLive)) return { act: 'wait' };
  return { act: 'succeed', children: all.toSorted((a, b) => a.index - b.index) };
}

/**
 * What lives is taken back, and what has succeeded by the task that the undo names for it. What was abandoned stays as it is:
 * somebody has accepted it.
 */
export function takeBackNext({ count, round, children }: Family): Move {
  const made = [...newest(children, 'do').values()];
  const revoking = revokeNext(made);
  if (revoking !== undefined) return revoking;
  const undoing = newest(children, 'undo');
  let waiting = false;
  let kept: Child | undefined;
  for (const child of made.filter(({ state }) => state === 'succeeded').toSorted((a, b) => b.index - a.index)) {
    if (child.index >= count) {
      kept ??= child;
      continue;
    }
    const back = undoing.get(child.index);
    if (back === undefined || ((back.state === 'failed' || back.state === 'cancelled') && back.round < round))
      return { act: 'make', direction: 'undo', index: child.index };
    waiting ||= isLive(back);
  }
  if (waiting) return { act: 'wait' };
  const failed = [...undoing.values()].find(({ state }) => state === 'failed' || state === 'cancelled');
  if (failed !== undefined) return { act: 'fail', code: 'take_back_failed', child: failed };
  if (kept !== undefined) return { act: 'fail', code: 'child_succeeded', child: kept };
  return { act: 'undone', found: made.length > 0 };
}

function revokeNext(children: readonly Child[]): Move | undefined {
  const live = children.filter(isLive);
  const child = live.find(({ revocable }) => revocable);
  if (child !== undefined) return { act: 'revoke', child };
  return live.length > 0 ? { act: 'wait' } : undefined;
}

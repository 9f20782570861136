import { randomInt } from 'node:crypto';
import type { Tx } from '@sentral/kernel/database';
import { once } from '@sentral/kernel/inbox';
import { byKey, inTransaction } from '@sentral/kernel/transaction';
import { schemaName, system } from '../change.js';
import { decide } from '../decide/decide.js';
import type { Decision, Input } from '../decide/decision.js';
import type { Deps } from '../deps.js';
import { measure } from '../figures/meter.js';
import { lockAndLoad, type Loaded } from '../store/aggregate.js';
import { claimTask, lockTask } from '../store/sql.js';
import { writeDecision } from '../store/write.js';

/** One thing that a task is to hear, and how it is found. */
export interface News {
  readonly taskId: string;
  /** What it is, once the task is locked and known; undefined: it is nothing any more. */
  readonly input: (loaded: Loaded, tx: Tx) => Promise<Input | undefined> | Input | undefined;
  /** Applied once, however often it is delivered. */
  readonly message?: { readonly consumer: string; readonly messageId: string };
  /** Found by looking: left alone while somebody else decides on the task. */
  readonly ifFree?: boolean;
}

export type Taken = { readonly was: Decision['outcome']; readonly decision: Decision; readonly loaded: Loaded };

/** Between 0 and 1, drawn outside of the transaction: each run of it decides the same. */
export const drawJitter = (): number => randomInt(2 ** 30) / 2 ** 30;

/**
 * One decision: load under the lock of the task's row, decide, write, commit; then wake who has work. Undefined when there was
 * nothing to decide: heard before, no such task, or somebody else is at it.
 */
export async function take(deps: Deps, news: News): Promise<Taken | undefined> {
  const jitter = drawJitter();
  let runs = 0;
  const taken = await inTransaction(
    deps.db.app,
    async (tx) => {
      runs += 1;
      const { message, taskId } = news;
      const lock = news.ifFree === true ? claimTask : lockTask;
      // One wait for all: what was heard before locks and reads for nothing, which is rare and harmless.
      const [first, [loaded]] = await Promise.all([
        message === undefined || once(tx, schemaName, message),
        deps.telemetry.span('task.load', {}, () =>
          lockAndLoad(tx, [taskId], async () => [await lock(tx, taskId)].flatMap((stored) => stored ?? [])),
        ),
      ]);
      if (!first) {
        deps.telemetry.count('task.inbox.duplicates');
        return undefined;
      }
      if (loaded === undefined) return undefined;
      const input = await news.input(loaded, tx);
      if (input === undefined) return undefined;
      return decideOn(tx, deps, { loaded, input, jitter, causation: news.message?.messageId });
    },
    { settings: byKey },
  );
  if (runs > 1) deps.telemetry.count('task.decider.retries', runs - 1);
  if (taken !== undefined) announce(deps, taken);
  return taken;
}

async function decideOn(
  tx: Tx,
  deps: Deps,
  { loaded, input, jitter, causation }: { loaded: Loaded; input: Input; jitter: number; causation: string | undefined },
): Promise<Taken> {
  const context = { now: loaded.stored.now.getTime(), jitter, paused: loaded.paused };
  const decision = decide(loaded.aggregate, input, context);
  const cause = { caller: system, causation };
  const after = await deps.telemetry.span('task.write', {}, () => writeDecision(tx, deps, { loaded, decision, cause }));
  return { was: decision.outcome, decision, loaded: after };
}

/** After the commit: whoever has work because of it looks now instead of at the next poll. */
export function announce(deps: Deps, { decision, loaded }: Pick<Taken, 'decision' | 'loaded'>): void {
  const { pulse } = deps;
  measure(deps, { decision, loaded });
  if (decision.event !== undefined) pulse.moved(loaded.stored.id);
  if (decision.commands.length > 0) pulse.beat('outbox');
  if (decision.lane.running < 0 || decision.lane.queued > 0) pulse.beat('admission');
  if (decision.ended && loaded.stored.parentTaskId !== null) pulse.beat('children');
  const { task, steps } = loaded.aggregate;
  if (task.state === 'running' && steps.some(({ destructive, state }) => destructive && state === 'ready'))
    pulse.beat('authorization');
}

import type { Tx } from '@sentral/kernel/database';
import type { Aggregate, StepRow, TaskRow } from '../decide/aggregate.js';
import { listOpenSignals, listPaused, listSteps, type StoredStep, type StoredTask } from './sql.js';

const ms = (at: Date | null): number | null => (at === null ? null : at.getTime());

export interface Loaded {
  readonly stored: StoredTask;
  readonly aggregate: Aggregate;
  readonly paused: ReadonlySet<string>;
}

/** Everything that a decision stands on, read under the lock of the task's row. */
export const load = async (tx: Tx, stored: StoredTask): Promise<Loaded> =>
  asLoaded(tx, stored, await read(tx, [stored.id]));

/**
 * Locks tasks and loads those that there are, in one wait: statements of a transaction run in the order in which they are sent, each
 * with a snapshot of its own, so what is read behind the locks is read under them.
 */
export async function lockAndLoad(
  tx: Tx,
  taskIds: readonly string[],
  lock: () => Promise<readonly StoredTask[]>,
): Promise<readonly Loaded[]> {
  const [tasks, found] = await Promise.all([lock(), read(tx, taskIds)]);
  return Promise.all(tasks.map((stored) => asLoaded(tx, stored, found)));
}

type Read = Awaited<ReturnType<typeof read>>;
const read = (tx: Tx, taskIds: readonly string[]) => Promise.all([listSteps(tx, taskIds), listPaused(tx)]);

async function asLoaded(tx: Tx, stored: StoredTask, [steps, paused]: Read): Promise<Loaded> {
  const own = steps.filter(({ taskId }) => taskId === stored.id).map(({ taskId: _task, ...step }) => stepOf(step));
  const waits = own.some(({ kind }) => kind === 'wait');
  const signals = waits ? await listOpenSignals(tx, stored.id) : [];
  return { stored, aggregate: { task: taskOf(stored), steps: own, signals }, paused: new Set(paused) };
}

/** The same of a task that was made in this transaction: nothing more is to be read, and no signal can be there. */
export const asMade = (stored: StoredTask, steps: readonly StoredStep[], paused: readonly string[]): Loaded => ({
  stored,
  aggregate: { task: taskOf(stored), steps: steps.map(stepOf), signals: [] },
  paused: new Set(paused),
});

function taskOf(stored: StoredTask): TaskRow {
  const {
    tenantId: _tenant,
    projectId: _project,
    environmentId: _environment,
    kind: _kind,
    kindVersion: _kindVersion,
    priority: _priority,
    actor: _actor,
    correlationId: _correlation,
    traceparent: _trace,
    parentTaskId: _parent,
    parentStepId: _parentStep,
    deadlineAt: _deadline,
    createdAt: _created,
    updatedAt: _updated,
    now: _now,
    ...row
  } = stored;
  return { ...row, startedAt: ms(row.startedAt), finishedAt: ms(row.finishedAt) };
}

function stepOf({ hasInput, hasOutput, ...row }: StoredStep): StepRow {
  return {
    ...row,
    input: hasInput ? row.input : undefined,
    output: hasOutput ? row.output : undefined,
    dispatchedAt: ms(row.dispatchedAt),
    acceptedAt: ms(row.acceptedAt),
    beatAt: ms(row.beatAt),
    finishedAt: ms(row.finishedAt),
  };
}

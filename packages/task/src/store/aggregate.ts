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
export async function load(tx: Tx, stored: StoredTask): Promise<Loaded> {
  const [loaded] = await loadAll(tx, [stored]);
  if (loaded === undefined) throw new Error('a task that was given is one of those that are loaded');
  return loaded;
}

/** The same of several tasks. */
export async function loadAll(tx: Tx, tasks: readonly StoredTask[]): Promise<readonly Loaded[]> {
  const ids = tasks.map(({ id }) => id);
  const [steps, paused] = await Promise.all([listSteps(tx, ids), listPaused(tx)]);
  return Promise.all(
    tasks.map(async (stored) => {
      const own = steps.filter(({ taskId }) => taskId === stored.id).map(stepOf);
      const waits = own.some(({ kind }) => kind === 'wait');
      const signals = waits ? await listOpenSignals(tx, stored.id) : [];
      return { stored, aggregate: { task: taskOf(stored), steps: own, signals }, paused: new Set(paused) };
    }),
  );
}

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

function stepOf(stored: StoredStep & { readonly taskId: string }): StepRow {
  const { hasInput, hasOutput, taskId: _task, ...row } = stored;
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

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
export const load = (tx: Tx, stored: StoredTask): Promise<Loaded> => together(tx, stored, read(tx, stored.id));

type Read = Promise<readonly [readonly StoredStep[], readonly string[]]>;
const read = (tx: Tx, taskId: string): Read => Promise.all([listSteps(tx, taskId), listPaused(tx)]);

/**
 * The same with the lock, in one wait: statements of a transaction run in the order they are sent, each with a snapshot of its own,
 * so what is read behind the lock is read under it. Undefined where there is nothing to lock.
 */
export async function lockAndLoad(
  tx: Tx,
  taskId: string,
  lock: (tx: Tx, taskId: string) => Promise<StoredTask | undefined>,
): Promise<Loaded | undefined> {
  const locking = lock(tx, taskId);
  const reading = read(tx, taskId);
  const [stored] = await Promise.all([locking, reading]);
  return stored === undefined ? undefined : together(tx, stored, reading);
}

async function together(tx: Tx, stored: StoredTask, reading: Read): Promise<Loaded> {
  const [steps, paused] = await reading;
  return {
    stored,
    aggregate: {
      task: taskOf(stored),
      steps: steps.map(stepOf),
      signals: steps.some(({ kind }) => kind === 'wait') ? await listOpenSignals(tx, stored.id) : [],
    },
    paused: new Set(paused),
  };
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

function stepOf(stored: StoredStep): StepRow {
  const { hasInput, hasOutput, ...row } = stored;
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

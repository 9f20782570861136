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
  const steps = await listSteps(tx, stored.id);
  return {
    stored,
    aggregate: {
      task: taskOf(stored),
      steps: steps.map(stepOf),
      signals: steps.some(({ kind }) => kind === 'wait') ? await listOpenSignals(tx, stored.id) : [],
    },
    paused: new Set(await listPaused(tx)),
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

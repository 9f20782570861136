import { encodeId } from '@sentral/contracts/ids';
import type { Task } from '@sentral/contracts/task/task';
import type { StoredTask } from '../store/sql.js';

type Row = Omit<StoredTask, 'now' | 'hasHoldings'>;

/** A task as the world sees it. */
export function toTask(row: Row): Task {
  return { ...shownTask(row), input: row.input, ...(row.output === null ? {} : { output: row.output }) };
}

/** The same without what the tenant has put in and gets out: for events and the record. */
export function shownTask(row: Row): Omit<Task, 'input' | 'output'> {
  const { cause, hold, holdNote, note, error, projectId, environmentId, parentTaskId } = row;
  return {
    id: encodeId('tsk', row.id),
    type: 'task',
    version: row.version,
    tenantId: encodeId('tnt', row.tenantId),
    ...(projectId === null ? {} : { projectId: encodeId('prj', projectId) }),
    ...(environmentId === null ? {} : { environmentId: encodeId('env', environmentId) }),
    kind: row.kind,
    kindVersion: row.kindVersion,
    state: row.state,
    ...(cause === null ? {} : { cause }),
    ...(hold === null ? {} : { hold }),
    ...(holdNote === null ? {} : { holdNote }),
    priority: row.priority,
    steps: { total: row.stepsTotal, done: row.stepsTotal - row.stepsOpen, undoOpen: row.undoOpen },
    pivotPassed: row.pivotPassed,
    progress: row.progress,
    ...(note === null ? {} : { note }),
    ...(error === null ? {} : { error }),
    initiator: { type: row.actor.type, id: row.actor.id },
    correlationId: row.correlationId,
    ...(parentTaskId === null ? {} : { parentTaskId: encodeId('tsk', parentTaskId) }),
    ...(row.deadlineAt === null ? {} : { deadlineAt: row.deadlineAt.toISOString() }),
    createdAt: row.createdAt.toISOString(),
    ...(row.startedAt === null ? {} : { startedAt: row.startedAt.toISOString() }),
    updatedAt: row.updatedAt.toISOString(),
    ...(row.finishedAt === null ? {} : { finishedAt: row.finishedAt.toISOString() }),
  };
}

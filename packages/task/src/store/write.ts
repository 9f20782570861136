import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { commandId } from '@sentral/contracts/services/message';
import type { TaskEventName } from '@sentral/contracts/task-events';
import { feedEvent } from '@sentral/kernel/change';
import type { Tx } from '@sentral/kernel/database';
import { record } from '@sentral/kernel/feed';
import { enqueue } from '@sentral/kernel/outbox';
import { schemaName } from '../change.js';
import { apply, type Decision } from '../decide/decision.js';
import { messageOf } from '../decide/message.js';
import type { Deps } from '../deps.js';
import { shownTask } from '../task/resource.js';
import type { Loaded } from './aggregate.js';
import { moveLane, type StoredTask } from './sql.js';
import {
  acceptAttempts,
  amendHoldings,
  amendSteps,
  amendTask,
  consumeSignals,
  endAll,
  endAttempts,
  endTimers,
  insertAttempts,
  insertEvent,
  insertFindings,
  insertDeadLetter,
  setTimers,
} from './write-sql.js';

/** Who or what the decision is for, for the record. */
export interface Cause {
  readonly caller: Caller;
  /** The message that brought the news. */
  readonly causation?: string | undefined;
}

/** Writes all of a decision in the transaction that holds the task's row; gives the task as it is then. */
export async function writeDecision(
  tx: Tx,
  deps: Deps,
  { loaded, decision, cause }: { loaded: Loaded; decision: Decision; cause: Cause },
): Promise<Loaded> {
  const { stored, aggregate } = loaded;
  const after = apply(aggregate, decision);
  const { id } = stored;
  // None waits for the answer of another: they share their way to the database, and run there in this order.
  const writes: Promise<unknown>[] = [];
  if (decision.steps.length > 0) writes.push(amendSteps(tx, id, decision.steps));
  if (decision.closed.length > 0) writes.push(endAttempts(tx, decision.closed));
  if (decision.opened.length > 0) writes.push(insertAttempts(tx, decision.opened.map(named)));
  const accepted = acceptedOf(decision, after);
  if (accepted.length > 0) writes.push(acceptAttempts(tx, accepted));
  if (decision.ended) writes.push(endAll(tx, id));
  if (decision.timersClear.length > 0) writes.push(endTimers(tx, decision.timersClear));
  if (decision.timersSet.length > 0) writes.push(setTimers(tx, id, decision.timersSet));
  if (decision.holdings !== undefined) writes.push(amendHoldings(tx, id, decision.holdings));
  if (decision.signalsConsumed.length > 0) writes.push(consumeSignals(tx, decision.signalsConsumed));
  writes.push(writeTrouble(tx, deps, loaded, decision));
  const now: Loaded = { ...loaded, aggregate: after, stored: storedAfter(stored, after.task) };
  if (decision.event !== undefined) {
    writes.push(
      amendTask(tx, after.task, decision.ended),
      insertEvent(tx, id, decision.event),
      recordMove(tx, { before: stored, after: now.stored, decision, cause }),
    );
  }
  for (const sent of decision.commands) {
    const { subject, messageId, operation, body } = messageOf(originOf(stored), sent);
    writes.push(enqueue(tx, schemaName, { subject, messageId, operation, body, aggregate: id }));
  }
  const { queued, running } = decision.lane;
  if (queued !== 0 || running !== 0) writes.push(moveLane(tx, stored.tenantId, decision.lane));
  await Promise.all(writes);
  return now;
}

/** A change of state and what people ask have an audit part; that a step moved is told by the task's own events alone. */
async function recordMove(
  tx: Tx,
  move: { before: StoredTask; after: StoredTask; decision: Decision; cause: Cause },
): Promise<void> {
  const { before, after, decision, cause } = move;
  const scope = scopeOf(after);
  const causation = cause.causation === undefined ? {} : { causation: cause.causation };
  const name = decision.event?.type ?? '';
  if (!decision.audited) {
    const resource = { type: 'task.task', id: after.id, version: after.version };
    await record(tx, schemaName, { type: 'task.task.moved', resource, scope, event: null, audit: null, ...causation });
    return;
  }
  const change = feedEvent(schemaName, cause.caller, {
    // What a person asked without moving the task: the first step that moved gave the event its name.
    what: (name.startsWith('task.') ? name : 'task.asked') as TaskEventName,
    id: after.id,
    version: after.version,
    before: shownTask(before),
    after: shownTask(after),
    scope,
    ...(decision.event?.data.note === undefined ? {} : { reason: decision.event.data.note }),
  });
  const audit = { ...change.audit, auditVersion: after.auditVersion };
  await record(tx, schemaName, { ...change, audit, ...causation });
}

export const scopeOf = ({
  tenantId,
  projectId,
  environmentId,
}: Pick<StoredTask, 'tenantId' | 'projectId' | 'environmentId'>) => ({
  tenantId,
  ...(projectId === null ? {} : { projectId }),
  ...(environmentId === null ? {} : { environmentId }),
});

async function writeTrouble(tx: Tx, deps: Deps, { stored, aggregate }: Loaded, decision: Decision): Promise<void> {
  const task = encodeId('tsk', stored.id);
  const findings = decision.findings.map(({ kind, step }) => ({
    id: deps.newId(),
    kind,
    service: aggregate.steps.find(({ key }) => key === step)?.service ?? 'sentral',
    subject: step === undefined ? task : `${task}/${step}`,
  }));
  if (findings.length > 0) await insertFindings(tx, stored.id, findings);
  for (const { origin, stepId, code } of decision.deadLetters) {
    const attempt = aggregate.steps.find((step) => step.id === stepId)?.undoAttempt ?? 0;
    const messageId = commandId(encodeId('stp', stepId), 'undo', attempt);
    await insertDeadLetter(tx, { id: deps.newId(), origin, taskId: stored.id, stepId, messageId, error: { code } });
  }
}

const named = (attempt: Decision['opened'][number]) => ({
  ...attempt,
  messageId: commandId(encodeId('stp', attempt.stepId), attempt.direction, attempt.attempt),
});

function acceptedOf(decision: Decision, after: Loaded['aggregate']) {
  const byId = new Map(after.steps.map((step) => [step.id, step]));
  return decision.steps.flatMap(({ id: stepId, patch }) => {
    const step = byId.get(stepId);
    if (step === undefined || step.kind === 'wait') return [];
    if (patch.state === 'accepted') return [{ stepId, direction: 'do', attempt: step.attempt }];
    return patch.undoState === 'accepted' ? [{ stepId, direction: 'undo', attempt: step.undoAttempt }] : [];
  });
}

export const originOf = (stored: StoredTask) => ({
  taskId: stored.id,
  tenantId: stored.tenantId,
  correlationId: stored.correlationId,
  ...(stored.traceparent === null ? {} : { traceparent: stored.traceparent }),
  now: stored.now.getTime(),
});

function storedAfter(stored: StoredTask, task: Loaded['aggregate']['task']): StoredTask {
  const at = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));
  return {
    ...stored,
    ...task,
    startedAt: at(task.startedAt),
    finishedAt: at(task.finishedAt),
    updatedAt: task.version === stored.version ? stored.updatedAt : stored.now,
  };
}

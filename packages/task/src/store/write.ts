import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { commandId } from '@sentral/contracts/services/message';
import type { TaskEventName } from '@sentral/contracts/task-events';
import { feedEvent } from '@sentral/kernel/change';
import type { Tx } from '@sentral/kernel/database';
import { record, type FeedEvent } from '@sentral/kernel/feed';
import { enqueue } from '@sentral/kernel/outbox';
import { schemaName } from '../change.js';
import { apply, type Decision, type TaskEvent } from '../decide/decision.js';
import { messageOf } from '../decide/message.js';
import type { Deps } from '../deps.js';
import { shownTask } from '../task/resource.js';
import type { Loaded } from './aggregate.js';
import { moveLane, type StoredTask } from './sql.js';
import {
  acceptAttempts,
  amendHoldings,
  amendSteps,
  amendTasks,
  consumeSignals,
  endAll,
  endAttempts,
  endTimers,
  insertAttempts,
  insertEvents,
  insertFindings,
  insertDeadLetter,
  setTimers,
  type AmendedStep,
} from './write-sql.js';

/** Who or what the decision is for, for the record. */
export interface Cause {
  readonly caller: Caller;
  /** The message that brought the news. */
  readonly causation?: string | undefined;
}

/** A decision on a task, and the task as it is then. */
export interface Move {
  readonly before: Loaded;
  readonly after: Loaded;
  readonly decision: Decision;
  readonly cause: Cause;
  /** How the task came to be, where that was in the same transaction: told before it moved. */
  readonly made?: Told | undefined;
}

/** What people read, and the fact beside it. */
export interface Told {
  readonly event: TaskEvent;
  readonly fact: FeedEvent;
}

export function movedBy(
  loaded: Loaded,
  { decision, cause, made }: { readonly decision: Decision; readonly cause: Cause; readonly made?: Told | undefined },
): Move {
  const aggregate = apply(loaded.aggregate, decision);
  const after = { ...loaded, aggregate, stored: storedAfter(loaded.stored, aggregate.task) };
  return { before: loaded, after, decision, cause, made };
}

/** Writes all of a decision in the transaction that holds the task's row; gives the task as it is then. */
export async function writeDecision(
  tx: Tx,
  deps: Deps,
  { loaded, ...made }: { loaded: Loaded; decision: Decision; cause: Cause },
): Promise<Loaded> {
  const move = movedBy(loaded, made);
  await Promise.all([writeMoves(tx, deps, [move]), moveLanes(tx, [move])]);
  return move.after;
}

/** Writes decisions on tasks of which no two are the same, all but what they move in lanes: that comes last. */
export async function writeMoves(tx: Tx, deps: Deps, moves: readonly Move[]): Promise<void> {
  const of = <T>(part: (move: Move) => readonly T[]): readonly (T & { readonly taskId: string })[] =>
    moves.flatMap((move) => part(move).map((each) => ({ ...each, taskId: move.before.stored.id })));
  // None waits for the answer of another: they share their way to the database, and run there in this order.
  const writes: Promise<unknown>[] = [];
  const write = <T>(rows: readonly T[], how: (tx: Tx, rows: readonly T[]) => Promise<unknown>) =>
    rows.length === 0 ? undefined : writes.push(how(tx, rows));
  write(moves.flatMap(amendedOf), amendSteps);
  write(
    of(({ decision }) => decision.closed),
    endAttempts,
  );
  write(
    of(({ decision }) => decision.opened.map(named)),
    insertAttempts,
  );
  write(
    of(({ decision, after }) => acceptedOf(decision, after.aggregate)),
    acceptAttempts,
  );
  const ended = moves.filter(({ decision }) => decision.ended).map(({ before }) => before.stored.id);
  write(ended, endAll);
  write(
    of(({ decision }) => decision.timersClear),
    endTimers,
  );
  write(
    of(({ decision }) => decision.timersSet),
    setTimers,
  );
  for (const { before, decision } of moves)
    if (decision.holdings !== undefined) writes.push(amendHoldings(tx, before.stored.id, decision.holdings));
  write(
    of(({ decision }) => decision.signalsConsumed),
    consumeSignals,
  );
  for (const { before, decision } of moves) writes.push(writeTrouble(tx, deps, before, decision));
  const told = moves.filter(({ decision }) => decision.event !== undefined);
  write(
    told.map(({ after, decision }) => ({ task: after.aggregate.task, ended: decision.ended })),
    amendTasks,
  );
  write(
    of(({ decision, made }) => [made?.event, decision.event].filter((event) => event !== undefined)),
    insertEvents,
  );
  write(
    moves.flatMap((move) => [
      ...(move.made === undefined ? [] : [move.made.fact]),
      ...(move.decision.event === undefined ? [] : [eventOf(move)]),
    ]),
    (on, facts) => record(on, schemaName, facts),
  );
  write(moves.flatMap(messagesOf), (on, messages) => enqueue(on, schemaName, messages));
  await Promise.all(writes);
}

/** The last locks of a transaction, in the order of tenants. */
export async function moveLanes(tx: Tx, moves: readonly Move[]): Promise<void> {
  const lanes = new Map<string, { queued: number; running: number }>();
  for (const { before, decision } of moves) {
    const { tenantId } = before.stored;
    const { queued, running } = lanes.get(tenantId) ?? { queued: 0, running: 0 };
    lanes.set(tenantId, { queued: queued + decision.lane.queued, running: running + decision.lane.running });
  }
  const moved = [...lanes].filter(([, { queued, running }]) => queued !== 0 || running !== 0);
  await Promise.all(moved.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([id, by]) => moveLane(tx, id, by)));
}

const messagesOf = ({ before: { stored }, decision }: Move) =>
  decision.commands.map((sent) => {
    const { subject, messageId, operation, body } = messageOf(originOf(stored), sent);
    return { subject, messageId, operation, body, aggregate: stored.id };
  });

/** A change of state and what people ask have an audit part; that a step moved is told by the task's own events alone. */
function eventOf({ before: { stored: before }, after: { stored: after }, decision, cause }: Move): FeedEvent {
  const scope = scopeOf(after);
  const causation = cause.causation === undefined ? {} : { causation: cause.causation };
  const name = decision.event?.type ?? '';
  if (!decision.audited) {
    const resource = { type: 'task.task', id: after.id, version: after.version };
    return { type: 'task.task.moved', resource, scope, event: null, audit: null, ...causation };
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
  return { ...change, audit, ...causation };
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

function amendedOf({ decision, after }: Move): readonly AmendedStep[] {
  const patches = new Map(decision.steps.map(({ id, patch }) => [id, patch]));
  return after.aggregate.steps.flatMap((step) => {
    const patch = patches.get(step.id);
    return patch === undefined ? [] : [{ step, patch }];
  });
}

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

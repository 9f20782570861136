import { createHash } from 'node:crypto';
import { canonicalJson } from '@sentral/contracts/canonical-json';
import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Task } from '@sentral/contracts/task/task';
import { feedEvent } from '@sentral/kernel/change';
import type { Tx } from '@sentral/kernel/database';
import { record } from '@sentral/kernel/feed';
import { bringForward } from '@sentral/kernel/scopes/news';
import { expectActive, lockScopePath, scopeUuid } from '@sentral/kernel/scopes/view';
import { inChange, schemaName } from '../change.js';
import type { Command } from '../command.js';
import { aggregateOf } from '../decide/begin.js';
import { decide } from '../decide/decide.js';
import type { Decision } from '../decide/decision.js';
import type { Deps } from '../deps.js';
import type { Plan } from '../plan/plan.js';
import { scopes } from '../projection/view.js';
import { announce, drawJitter } from '../run/take.js';
import { load, type Loaded } from '../store/aggregate.js';
import {
  findClaimant,
  insertClaims,
  insertHoldings,
  insertTask,
  lockLane,
  lockTask,
  moveLane,
  type NewTask,
} from '../store/sql.js';
import { insertEvent, setTimers } from '../store/write-sql.js';
import { scopeOf, writeDecision } from '../store/write.js';
import type { PlanOf } from '../workflow/workflow.js';
import { shownTask, toTask } from './resource.js';
import { findTask } from './sql.js';

/** So many of a tenant may wait. */
const queuedMax = 1_000;

type Planned = Omit<NewTask, 'tenantId' | 'projectId' | 'environmentId'>;
type Made = { readonly task: Task; readonly begun?: { readonly decision: Decision; readonly loaded: Loaded } };

/**
 * Makes the task that a workflow plans; it begins at once where its lane has room, else it waits there.
 * @throws Problem reference-not-found | scope-not-active | operation-in-progress | already-exists | queue-full
 */
export async function createTask(
  deps: Deps,
  caller: Caller,
  { planOf, ...command }: Command<'task', 'create'> & { planOf: PlanOf },
): Promise<Task> {
  const id = command.id === undefined ? deps.newId() : decodeId('tsk', command.id);
  const { plan, input } = planOf(command, { taskId: encodeId('tsk', id), newId: deps.newId });
  const stepIds = new Map(plan.steps.map(({ key }) => [key, deps.newId()]));
  const { steps } = aggregateOf(plan, { id, input, stepId: (key) => stepIds.get(key) ?? '' });
  const row: Planned = {
    id,
    kind: plan.kind,
    kindVersion: plan.kindVersion,
    planHash: createHash('sha256').update(canonicalJson(plan)).digest('hex'),
    priority: plan.priority ?? 0,
    input,
    outputTemplate: plan.output ?? null,
    actor: initiatorOf(caller),
    correlationId: command.correlationId ?? id,
    traceparent: caller.traceparent ?? null,
    deadlineMs: plan.deadlineMs ?? null,
    steps,
  };
  const jitter = drawJitter();
  await bringForward(deps.db.app, scopes, caller.scopes);
  let begun: Made['begun'];
  const task = await inChange(deps, caller, async (tx) => {
    const made = await make(tx, deps, {
      caller,
      row: { ...row, ...(await lockPlace(tx, command.scopeId)) },
      plan,
      jitter,
    });
    ({ begun } = made);
    return made.task;
  });
  // A replayed answer has begun nothing now; a poke for it costs a look.
  if (begun !== undefined) announce(deps, begun);
  else deps.pulse.beat('admission');
  return task;
}

async function make(
  tx: Tx,
  deps: Deps,
  { caller, row, plan, jitter }: { caller: Caller; row: NewTask; plan: Plan; jitter: number },
): Promise<Made> {
  const known = await findTask(tx, row.id);
  if (known !== undefined) {
    const same =
      known.tenantId === row.tenantId &&
      known.kind === row.kind &&
      canonicalJson(known.input) === canonicalJson(row.input);
    if (!same) throw problem('already-exists', { field: 'id' });
    return { task: toTask(known) };
  }
  await insertTask(tx, row);
  if (plan.claims.length > 0) await claimAll(tx, row, plan);
  if (plan.holdings.length > 0) await insertHoldings(tx, row.id, plan.holdings);
  const stored = await lockTask(tx, row.id);
  if (stored === undefined) throw new Error('a task that was just made is not there');
  const { type, id } = row.actor;
  await insertEvent(tx, row.id, { seq: 1, type: 'task.created', data: { steps: [] }, actor: { type, id } });
  const after = shownTask(stored);
  const change = { what: 'task.created', id: row.id, version: 1, after, scope: scopeOf(stored) } as const;
  const fact = feedEvent(schemaName, caller, change);
  await record(tx, schemaName, { ...fact, audit: { ...fact.audit, auditVersion: 1 } });
  if (stored.deadlineAt !== null) {
    const dueAt = stored.deadlineAt.getTime();
    await setTimers(tx, row.id, [{ ownerId: row.id, direction: 'do', kind: 'deadline', attempt: 0, dueAt }]);
  }
  const lane = await lockLane(tx, row.tenantId);
  const room = lane.queued === 0 && lane.running < lane.maxRunning;
  if (!room && lane.queued >= queuedMax) throw problem('queue-full', { limit: queuedMax, retryAfterSeconds: 30 });
  await moveLane(tx, row.tenantId, { queued: 1, running: 0 });
  if (!room) return { task: toTask(stored) };
  const loaded = await load(tx, stored);
  const context = { now: stored.now.getTime(), jitter, paused: loaded.paused };
  const decision = decide(loaded.aggregate, { on: 'admitted' }, context);
  const begun = { decision, loaded: await writeDecision(tx, deps, { loaded, decision, cause: { caller } }) };
  return { task: toTask(begun.loaded.stored), begun };
}

const initiatorOf = ({ principal: { type, id, groups } }: Caller) => ({
  type,
  id,
  ...(groups === undefined ? {} : { groups }),
});

/**
 * One changing task a resource; who has it is told to its own tenant alone.
 * @throws Problem operation-in-progress
 */
async function claimAll(tx: Tx, row: NewTask, plan: Plan): Promise<void> {
  const taken = await insertClaims(tx, row.id, plan.claims);
  const missed = plan.claims.find(({ resource }) => !taken.has(resource));
  if (missed === undefined) return;
  const holder = await findClaimant(tx, missed.resource);
  throw problem('operation-in-progress', {
    resource: missed.resource,
    ...(holder?.tenantId === row.tenantId ? { taskId: encodeId('tsk', holder.taskId) } : {}),
    retryAfterSeconds: 2,
  });
}

/**
 * Where a task lies, locked: while it is being made, no scope of its path is counted empty.
 * @throws Problem reference-not-found | scope-not-active
 */
async function lockPlace(tx: Tx, scopeId: string) {
  const path = await lockScopePath(tx, schemaName, scopeUuid(scopeId));
  const tenantId = path.at(-1)?.tenantId ?? null;
  if (tenantId === null) throw problem('reference-not-found', { pointer: '/scopeId', resourceType: 'scope' });
  expectActive(path);
  const idOf = (kind: 'project' | 'environment') => path.find((scope) => scope.kind === kind)?.id ?? null;
  return { tenantId, projectId: idOf('project'), environmentId: idOf('environment') };
}

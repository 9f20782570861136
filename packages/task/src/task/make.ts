import { createHash } from 'node:crypto';
import { canonicalJson } from '@sentral/contracts/canonical-json';
import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Task } from '@sentral/contracts/task/task';
import { feedEvent } from '@sentral/kernel/change';
import type { Tx } from '@sentral/kernel/database';
import { record } from '@sentral/kernel/feed';
import { schemaName } from '../change.js';
import { aggregateOf } from '../decide/begin.js';
import { decide } from '../decide/decide.js';
import type { Decision } from '../decide/decision.js';
import type { Deps } from '../deps.js';
import type { Plan } from '../plan/plan.js';
import type { Json } from '../plan/template.js';
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
import { insertEvents, setTimers } from '../store/write-sql.js';
import { scopeOf, writeDecision } from '../store/write.js';
import { shownTask, toTask } from './resource.js';
import { findTask } from './sql.js';

/** So many of a tenant may wait. */
const queuedMax = 1_000;

export interface Making {
  readonly caller: Caller;
  readonly row: NewTask;
  readonly plan: Plan;
  readonly jitter: number;
  /** A child is owed to a task that runs: it waits for room in its lane at most, and takes back without waiting. */
  readonly child?: { readonly ancestors: readonly string[]; readonly waits: boolean };
}
export type Made = { readonly task: Task; readonly begun?: { readonly decision: Decision; readonly loaded: Loaded } };

/** What of a task's row its plan says. */
export function rowOf(deps: Pick<Deps, 'newId'>, id: string, { plan, input }: { plan: Plan; input: Json }) {
  const stepIds = new Map(plan.steps.map(({ key }) => [key, deps.newId()]));
  return {
    id,
    kind: plan.kind,
    kindVersion: plan.kindVersion,
    planHash: createHash('sha256').update(canonicalJson(plan)).digest('hex'),
    priority: plan.priority ?? 0,
    input,
    outputTemplate: plan.output ?? null,
    deadlineMs: plan.deadlineMs ?? null,
    steps: aggregateOf(plan, { id, input, stepId: (key) => stepIds.get(key) ?? '' }).steps,
  };
}

/**
 * Writes a new task with all that it begins with, and lets it begin where its lane has room. Idempotent on the id.
 * @throws Problem operation-in-progress | already-exists | queue-full
 */
export async function makeTask(tx: Tx, deps: Deps, making: Making): Promise<Made> {
  const { caller, row, plan, jitter, child } = making;
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
  if (plan.claims.length > 0) await claimAll(tx, making);
  if (plan.holdings.length > 0) await insertHoldings(tx, row.id, plan.holdings);
  const stored = await lockTask(tx, row.id);
  if (stored === undefined) throw new Error('a task that was just made is not there');
  const { type, id } = row.actor;
  await insertEvents(tx, [{ taskId: row.id, seq: 1, type: 'task.created', data: { steps: [] }, actor: { type, id } }]);
  const after = shownTask(stored);
  const change = { what: 'task.created', id: row.id, version: 1, after, scope: scopeOf(stored) } as const;
  const fact = feedEvent(schemaName, caller, change);
  await record(tx, schemaName, { ...fact, audit: { ...fact.audit, auditVersion: 1 } });
  if (stored.deadlineAt !== null) {
    const dueAt = stored.deadlineAt.getTime();
    await setTimers(tx, [{ taskId: row.id, ownerId: row.id, direction: 'do', kind: 'deadline', attempt: 0, dueAt }]);
  }
  const lane = await lockLane(tx, row.tenantId);
  const room = child?.waits === false || (lane.queued === 0 && lane.running < lane.maxRunning);
  if (!room && child === undefined && lane.queued >= queuedMax)
    throw problem('queue-full', { limit: queuedMax, retryAfterSeconds: 30 });
  await moveLane(tx, row.tenantId, { queued: 1, running: 0 });
  if (!room) return { task: toTask(stored) };
  const loaded = await load(tx, stored);
  const context = { now: stored.now.getTime(), jitter, paused: loaded.paused };
  const decision = decide(loaded.aggregate, { on: 'admitted' }, context);
  const begun = { decision, loaded: await writeDecision(tx, deps, { loaded, decision, cause: { caller } }) };
  return { task: toTask(begun.loaded.stored), begun };
}

/**
 * One changing task a resource, and its children with it; who has it is told to its own tenant alone.
 * @throws Problem operation-in-progress
 */
async function claimAll(tx: Tx, { row, plan, child }: Making): Promise<void> {
  const taken = await insertClaims(tx, row.id, plan.claims);
  for (const { resource } of plan.claims.filter((claim) => !taken.has(claim.resource))) {
    const holder = await findClaimant(tx, resource);
    if (holder !== undefined && child?.ancestors.includes(holder.taskId) === true) continue;
    throw problem('operation-in-progress', {
      resource,
      ...(holder?.tenantId === row.tenantId ? { taskId: encodeId('tsk', holder.taskId) } : {}),
      retryAfterSeconds: 2,
    });
  }
}

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
import { asMade, type Loaded } from '../store/aggregate.js';
import {
  enterLane,
  findClaimant,
  insertClaims,
  insertHoldings,
  insertTask,
  listPaused,
  moveLane,
  type NewTask,
  type StoredTask,
} from '../store/sql.js';
import { insertEvents, setTimers } from '../store/write-sql.js';
import { movedBy, scopeOf, writeMoves, type Told } from '../store/write.js';
import { shownTask, toTask } from './resource.js';
import { findTask } from './sql.js';

/** So many of a tenant may wait. */
const queuedMax = 1_000;

export interface Making {
  readonly caller: Caller;
  readonly id: string;
  /** May still be on its way behind the locks of its scopes: what is asked of the database here is sent after those. */
  readonly row: NewTask | Promise<NewTask>;
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
 * Writes a new task with all that it begins with, and lets it begin where its lane has room. Idempotent on the id. Three waits: what
 * there is, what is new up to the place in the lane, and what it begins with.
 * @throws Problem operation-in-progress | already-exists | queue-full
 */
export async function makeTask(tx: Tx, deps: Deps, making: Making): Promise<Made> {
  const { caller, plan, jitter, child } = making;
  const [known, row] = await Promise.all([findTask(tx, making.id), making.row]);
  if (known !== undefined) {
    const same =
      known.tenantId === row.tenantId &&
      known.kind === row.kind &&
      canonicalJson(known.input) === canonicalJson(row.input);
    if (!same) throw problem('already-exists', { field: 'id' });
    return { task: toTask(known) };
  }
  const { claims, holdings } = plan;
  const [inserted, taken, , paused, lane] = await Promise.all([
    insertTask(tx, row),
    claims.length === 0 ? undefined : insertClaims(tx, row.id, claims),
    holdings.length === 0 ? undefined : insertHoldings(tx, row.id, holdings),
    listPaused(tx),
    enterLane(tx, row.tenantId, { always: child?.waits === false }),
  ]);
  if (taken !== undefined) await expectTaken(tx, making, { row, taken });
  if (child === undefined && lane.queued > queuedMax)
    throw problem('queue-full', { limit: queuedMax, retryAfterSeconds: 30 });
  const stored: StoredTask = { ...inserted.stored, hasHoldings: holdings.length > 0 };
  const loaded = asMade(stored, inserted.steps, paused);
  const made = toldOf(caller, stored);
  const writes: Promise<unknown>[] = [];
  if (stored.deadlineAt !== null) {
    const dueAt = stored.deadlineAt.getTime();
    writes.push(
      setTimers(tx, [{ taskId: row.id, ownerId: row.id, direction: 'do', kind: 'deadline', attempt: 0, dueAt }]),
    );
  }
  if (!lane.room) {
    writes.push(insertEvents(tx, [{ taskId: row.id, ...made.event }]), record(tx, schemaName, made.fact));
    await Promise.all(writes);
    return { task: toTask(stored) };
  }
  const context = { now: stored.now.getTime(), jitter, paused: loaded.paused };
  const decision = decide(loaded.aggregate, { on: 'admitted' }, context);
  const move = movedBy(loaded, { decision, cause: { caller }, made });
  writes.push(writeMoves(tx, deps, [move]));
  // It has entered as one that takes room; where it takes none it is counted out again.
  const { queued, running } = decision.lane;
  if (queued !== -1 || running !== 1)
    writes.push(moveLane(tx, row.tenantId, { queued: queued + 1, running: running - 1 }));
  await Promise.all(writes);
  return { task: toTask(move.after.stored), begun: { decision, loaded: move.after } };
}

function toldOf(caller: Caller, stored: StoredTask): Told {
  const { id, type } = stored.actor;
  const change = {
    what: 'task.created',
    id: stored.id,
    version: 1,
    after: shownTask(stored),
    scope: scopeOf(stored),
  } as const;
  const fact = feedEvent(schemaName, caller, change);
  return {
    event: { seq: 1, type: 'task.created', data: { steps: [] }, actor: { type, id } },
    fact: { ...fact, audit: { ...fact.audit, auditVersion: 1 } },
  };
}

/**
 * One changing task a resource, and its children with it; who has it is told to its own tenant alone.
 * @throws Problem operation-in-progress
 */
async function expectTaken(
  tx: Tx,
  { plan, child }: Making,
  { row, taken }: { row: NewTask; taken: ReadonlySet<string> },
): Promise<void> {
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

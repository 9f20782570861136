// Isolation: READ COMMITTED; the lock of the task's row is what puts decisions in a row. Lock order of every transaction:
//   0. the rows of its scopes  root first, for key share: only by whoever makes a task (kernel/scopes/view)
//      or, of a child          the operation of its step, then its parent's row for key share (child/serve)
//   1. the task's row          for update, always first; several, in the order of their ids, by whoever takes replies in together;
//                              or made, by whoever makes it: nobody else sees it, so that 2 and 3 of it may come behind 4
//   2. its steps, timers, attempts, holdings, signals   written by whoever holds 1, so never waited for
//   3. rows of the outbox      of its own operations
//   4. the lane of its tenant  for update, last: everybody of the tenant passes here
// A loop that finds work by looking (timers, scans) takes 1 with skip locked and never waits. Admission holds 4 before 1, and
// takes 1 with skip locked: nobody can wait in a circle. Claims are taken in the order of their resources, before 4.
import type { GroupRef } from '@sentral/contracts/contract';
import { json, type Tx } from '@sentral/kernel/database';
import type { Json, Template } from '../plan/template.js';
import type { SignalRow, StepRow, TaskRow } from '../decide/aggregate.js';
import type { Actor } from '../decide/decision.js';

type Dated<R, K extends keyof R> = Omit<R, K> & { readonly [N in K]: Date | null };

/** Groups come from credentials and are in no table: kept, so that the right to go on can be looked up without one. */
export interface Initiator extends Actor {
  readonly groups?: readonly GroupRef[] | undefined;
}

/** A task's row as it is stored; `now` is the transaction's. */
export interface StoredTask extends Dated<TaskRow, 'startedAt' | 'finishedAt'> {
  readonly tenantId: string;
  readonly projectId: string | null;
  readonly environmentId: string | null;
  readonly kind: string;
  readonly kindVersion: number;
  readonly priority: number;
  readonly actor: Initiator;
  readonly correlationId: string;
  readonly traceparent: string | null;
  readonly parentTaskId: string | null;
  readonly parentStepId: string | null;
  readonly deadlineAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly now: Date;
}

export interface StoredStep extends Dated<
  Omit<StepRow, 'input' | 'output'>,
  'dispatchedAt' | 'acceptedAt' | 'beatAt' | 'finishedAt'
> {
  readonly input: Json;
  readonly output: Json;
  /** JSON null is an answer, no value is none: only the database can tell them apart. */
  readonly hasInput: boolean;
  readonly hasOutput: boolean;
}

export const taskColumns = `t.id, t.tenant_id as "tenantId", t.project_id as "projectId", t.environment_id as "environmentId", t.kind,
  t.kind_version as "kindVersion", t.state, t.cause, t.hold, t.hold_note as "holdNote", t.version, t.audit_version as "auditVersion",
  t.priority, t.steps_total as "stepsTotal", t.steps_open as "stepsOpen", t.undo_open as "undoOpen", t.pivot_passed as "pivotPassed",
  t.progress, t.note, t.input, t.output_tpl as "outputTemplate", t.output, t.error, t.actor, t.correlation_id as "correlationId",
  t.traceparent, t.parent_task_id as "parentTaskId", t.parent_step_id as "parentStepId", t.deadline_at as "deadlineAt", t.created_at as "createdAt",
  t.started_at as "startedAt", t.updated_at as "updatedAt", t.finished_at as "finishedAt", now() as "now"`;

const withHoldings = `select ${taskColumns}, exists (select from holding h where h.task_id = t.id) as "hasHoldings" from task t`;

/** Full strength: whoever decides on a task changes its row. */
export async function lockTask(tx: Tx, id: string): Promise<StoredTask | undefined> {
  const [row] = await tx.unsafe(`${withHoldings} where t.id = $1 for update of t`, [id]);
  return row as unknown as StoredTask | undefined;
}

/** The same of several, in the order of their ids. */
export async function lockTasks(tx: Tx, ids: readonly string[]): Promise<readonly StoredTask[]> {
  const rows = await tx.unsafe(`${withHoldings} where t.id = any($1::uuid[]) order by t.id for update of t`, [ids]);
  return rows as unknown as readonly StoredTask[];
}

/** The same for whoever found the task by looking: it is left alone while somebody else decides. */
export async function claimTask(tx: Tx, id: string): Promise<StoredTask | undefined> {
  const [row] = await tx.unsafe(`${withHoldings} where t.id = $1 for update of t skip locked`, [id]);
  return row as unknown as StoredTask | undefined;
}

export const stepColumns = `s.id, s.key, s.ordinal, s.kind, s.service, s.action, s.contract, s.undo, s.undo_tpl as "undoTemplate", s.pivot,
  s.destructive, s.on_failure as "onFailure", s.weight, s.policy, s.input_tpl as "inputTemplate", s.input, s.output,
  s.input is not null as "hasInput", s.output is not null as "hasOutput", s.error, s.state, s.undo_state as "undoState", s.needs,
  s.tainted, s.attempt, s.undo_attempt as "undoAttempt", s.unknowns, s.tries, s.conflicts, s.dispatched_at as "dispatchedAt",
  s.accepted_at as "acceptedAt", s.beat_at as "beatAt", s.finished_at as "finishedAt", s.holder, s.progress, s.note`;

/** Read under the locks of their tasks. */
export async function listSteps(
  tx: Tx,
  taskIds: readonly string[],
): Promise<readonly (StoredStep & { readonly taskId: string })[]> {
  const rows = await tx.unsafe(
    `select s.task_id as "taskId", ${stepColumns} from step s where s.task_id = any($1::uuid[]) order by s.task_id, s.ordinal`,
    [taskIds],
  );
  return rows as unknown as readonly (StoredStep & { readonly taskId: string })[];
}

export async function listOpenSignals(tx: Tx, taskId: string): Promise<readonly SignalRow[]> {
  const rows = await tx.unsafe(
    `select id, name, data from signal where task_id = $1 and consumed_by is null order by received_at, id`,
    [taskId],
  );
  return rows as unknown as readonly SignalRow[];
}

/** Not locked: a gate that closes now lets through what is being decided now. */
export async function listPaused(tx: Tx): Promise<readonly string[]> {
  // With a parameter, as what has none is planned each time.
  const rows = await tx.unsafe(`select service from service_gate where paused = $1`, [true]);
  return rows.map((row) => row['service'] as string);
}

/** Whose child a task is; the place names it within its step (child/sql.ts). */
export interface Parent {
  readonly taskId: string;
  readonly stepId: string;
  readonly place: string;
}

export interface NewTask {
  readonly id: string;
  readonly tenantId: string;
  readonly projectId: string | null;
  readonly environmentId: string | null;
  readonly kind: string;
  readonly kindVersion: number;
  readonly planHash: string;
  readonly priority: number;
  readonly input: Json;
  readonly outputTemplate: Template | null;
  readonly actor: Initiator;
  readonly correlationId: string;
  readonly traceparent: string | null;
  readonly deadlineMs: number | null;
  readonly parent: Parent | null;
  readonly steps: readonly StepRow[];
}

/** The task and its steps as they are stored: locked by having been made here. */
export async function insertTask(
  tx: Tx,
  task: NewTask,
): Promise<{ readonly stored: Omit<StoredTask, 'hasHoldings'>; readonly steps: readonly StoredStep[] }> {
  const inserted = tx.unsafe(
    `insert into task as t (id, tenant_id, project_id, environment_id, kind, kind_version, plan_hash, priority, input, output_tpl, actor,
       correlation_id, traceparent, deadline_at, steps_total, steps_open, parent_task_id, parent_step_id, parent_place)
     values ($1, $2, $3, $4, $5, $6, decode($7, 'hex'), $8, $9, $10, $11, $12, $13, now() + $14 * interval '1 millisecond', $15, $15,
       $16, $17, $18)
     returning ${taskColumns}`,
    [
      task.id,
      task.tenantId,
      task.projectId,
      task.environmentId,
      task.kind,
      task.kindVersion,
      task.planHash,
      task.priority,
      json(task.input),
      task.outputTemplate === null ? null : json(task.outputTemplate),
      json(task.actor),
      task.correlationId,
      task.traceparent,
      task.deadlineMs,
      task.steps.length,
      task.parent?.taskId ?? null,
      task.parent?.stepId ?? null,
      task.parent?.place ?? null,
    ],
  );
  const steps = tx.unsafe(
    `insert into step as s (id, task_id, key, ordinal, kind, service, action, contract, undo, pivot, destructive, on_failure, weight, policy,
       input_tpl, undo_tpl, needs, state)
     select (e ->> 'id')::uuid, $1, e ->> 'key', (e ->> 'ordinal')::smallint, e ->> 'kind', e ->> 'service', e ->> 'action',
       (e ->> 'contract')::smallint, e ->> 'undo', (e ->> 'pivot')::boolean, (e ->> 'destructive')::boolean, e ->> 'onFailure',
       (e ->> 'weight')::smallint, e -> 'policy', e -> 'inputTemplate', nullif(e -> 'undoTemplate', 'null'),
       array(select jsonb_array_elements_text(e -> 'needs')), 'blocked'
     from jsonb_array_elements($2) with ordinality as e(e, place) order by place returning ${stepColumns}`,
    [task.id, json(task.steps)],
  );
  const [[stored], kept] = await Promise.all([inserted, steps]);
  return {
    stored: stored as unknown as Omit<StoredTask, 'hasHoldings'>,
    steps: kept as unknown as readonly StoredStep[],
  };
}

/** Resources that a live task of its own changes already are left out: the claims that were taken come back. */
export async function insertClaims(
  tx: Tx,
  taskId: string,
  claims: readonly { readonly resource: string; readonly mode: string }[],
): Promise<ReadonlySet<string>> {
  const rows = await tx.unsafe(
    `insert into claim (task_id, resource, mode)
     select $1, c.resource, c.mode from jsonb_to_recordset($2) as c(resource text, mode text) order by c.resource
     on conflict do nothing returning resource`,
    [taskId, json(claims)],
  );
  return new Set(rows.map((row) => row['resource'] as string));
}

export async function findClaimant(
  tx: Tx,
  resource: string,
): Promise<{ readonly taskId: string; readonly tenantId: string } | undefined> {
  const [row] = await tx.unsafe(
    `select c.task_id as "taskId", t.tenant_id as "tenantId" from claim c join task t on t.id = c.task_id
     where c.resource = $1 and c.active and c.mode = 'exclusive'`,
    [resource],
  );
  return row as unknown as { taskId: string; tenantId: string } | undefined;
}

export async function insertHoldings(
  tx: Tx,
  taskId: string,
  holdings: readonly { readonly ref: string; readonly kind: string }[],
): Promise<void> {
  await tx.unsafe(
    `insert into holding (task_id, ref, kind, state) select $1, h.ref, h.kind, 'held' from jsonb_to_recordset($2) as h(ref text, kind text)`,
    [taskId, json(holdings)],
  );
}

/** `laneOf` of the decider, of a row `t`: whether a task that has begun counts in its lane. */
export const takesRoom = `t.finished_at is null and t.state in ('running', 'unwinding') and (
  exists (select from step s, lateral (select case t.state when 'running' then s.state else s.undo_state end as way) d
    where s.task_id = t.id and (d.way in ('dispatched', 'retry_wait') or d.way = 'accepted' and s.kind = 'command'))
  or not exists (select from step s, lateral (select case t.state when 'running' then s.state else s.undo_state end as way) d
    where s.task_id = t.id and s.kind = 'child' and d.way = 'accepted'))`;

/**
 * One more in its lane, which begins where there is room: nobody waits before it, and fewer run than may; or `always`. The last lock of
 * its transaction. Who begins finds nobody in the queue, so what is left there says whether there was room.
 */
export async function enterLane(
  tx: Tx,
  tenantId: string,
  { always }: { always: boolean },
): Promise<{ readonly room: boolean; readonly queued: number }> {
  const room = `($2 or l.queued = 0 and l.running < l.max_running)`;
  const [row] = await tx.unsafe(
    `insert into lane as l (tenant_id, running) values ($1, 1)
     on conflict (tenant_id) do update set queued = l.queued + (not ${room})::int, running = l.running + ${room}::int
     returning queued`,
    [tenantId, always],
  );
  const queued = Number(row?.['queued']);
  return { room: always || queued === 0, queued };
}

/** By whoever counts what is the tenant's. */
export async function lockLane(tx: Tx, tenantId: string): Promise<void> {
  await tx.unsafe(
    `insert into lane as l (tenant_id) values ($1) on conflict (tenant_id) do update set weight = l.weight`,
    [tenantId],
  );
}

/** Only by whoever has locked the lane, or locks it with this as the last. */
export async function moveLane(tx: Tx, tenantId: string, by: { queued: number; running: number }): Promise<void> {
  await tx.unsafe(`update lane set queued = queued + $2, running = running + $3 where tenant_id = $1`, [
    tenantId,
    by.queued,
    by.running,
  ]);
}

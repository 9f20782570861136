// What loops look for. Each finds without a lock and decides under that of the task's row; lock order: store/sql.ts.
import type { Database, Tx } from '@sentral/kernel/database';
import type { Direction } from '@sentral/contracts/services/message';
import type { TimerKind } from '../decide/decision.js';

export interface DueTimer {
  readonly ownerId: string;
  readonly direction: Direction;
  readonly kind: TimerKind;
  readonly attempt: number;
  readonly taskId: string;
}

/** By timer_due; not locked, since a timer's lock before its task's would be the wrong way round. */
export async function listDueTimers(db: Database, limit: number): Promise<readonly DueTimer[]> {
  const rows = await db.unsafe(
    `select owner_id as "ownerId", dir as direction, kind, attempt, task_id as "taskId" from timer where due_at <= now() order by due_at limit $1`,
    [limit],
  );
  return rows as unknown as readonly DueTimer[];
}

/** False when it was cleared, set anew or fired meanwhile; asked under the lock of its task. */
export async function endDueTimer(tx: Tx, timer: DueTimer): Promise<boolean> {
  const rows = await tx.unsafe(
    `delete from timer where owner_id = $1 and dir = $2 and kind = $3 and attempt = $4 and due_at <= now() returning 1 as one`,
    [timer.ownerId, timer.direction, timer.kind, timer.attempt],
  );
  return rows.length === 1;
}

/** The lane that is furthest behind and has room and somebody to let in. Held until commit: two workers serve two lanes. */
export async function claimLane(tx: Tx): Promise<string | undefined> {
  const [row] = await tx.unsafe(
    `select l.tenant_id as "tenantId" from lane l
     where l.queued > 0 and l.running < l.max_running
       and exists (select from task t where t.tenant_id = l.tenant_id and t.state = 'queued' and t.hold is null)
     order by l.vtime limit $1 for update of l skip locked`,
    [1],
  );
  return row?.['tenantId'] as string | undefined;
}

/** The next of a lane; one that somebody decides on now comes later. Full strength, as lockTask. */
export async function claimQueued(tx: Tx, tenantId: string): Promise<string | undefined> {
  const [row] = await tx.unsafe(
    `select t.id from task t where t.tenant_id = $1 and t.state = 'queued' and t.hold is null
     order by (t.parent_task_id is null), t.priority desc nulls last, t.id limit 1 for update skip locked`,
    [tenantId],
  );
  return row?.['id'] as string | undefined;
}

/** One let in costs one over the weight, counted from where the lanes are: who was away has nothing saved up. */
export async function chargeLane(tx: Tx, tenantId: string): Promise<void> {
  await tx.unsafe(
    `update lane set vtime = greatest(vtime, (select max(vtime) from lane) - 1) + 1.0 / weight where tenant_id = $1`,
    [tenantId],
  );
}

export async function findTaskOfStep(db: Database, stepId: string): Promise<string | undefined> {
  const [row] = await db.unsafe(`select task_id as "taskId" from step where id = $1`, [stepId]);
  return row?.['taskId'] as string | undefined;
}

// finished_at beside the state: the index of live tasks has it in its condition.

/** Destructive steps that may go out if their initiator still may. */
export async function listUnauthorized(
  db: Database,
  limit: number,
): Promise<readonly { readonly taskId: string; readonly stepId: string }[]> {
  const rows = await db.unsafe(
    `select s.task_id as "taskId", s.id as "stepId" from step s join task t on t.id = s.task_id
     where s.state = 'ready' and s.destructive and t.state = 'running' and t.finished_at is null and t.hold is null
       and not exists (select from service_gate g where g.service = s.service and g.paused)
     order by s.id limit $1`,
    [limit],
  );
  return rows as unknown as readonly { taskId: string; stepId: string }[];
}

/**
 * Tasks that stand although nothing holds them: a command without the timer that should wait for it (T1), or something to send
 * that nobody sends (T2), as after a gate was opened.
 */
export async function listStalled(db: Database, limit: number): Promise<readonly string[]> {
  const rows = await db.unsafe(
    `select distinct s.task_id as "taskId" from step s join task t on t.id = s.task_id
     where s.state in ('ready', 'dispatched', 'accepted', 'retry_wait') and t.state = 'running' and t.finished_at is null
       and (s.state = 'ready' and not s.destructive and t.hold is null
              and not exists (select from service_gate g where g.service = s.service and g.paused)
            or s.state <> 'ready' and not exists (select from timer m where m.owner_id = s.id and m.dir = 'do' and ${waiting('s.state')}))
     union
     select s.task_id from step s join task t on t.id = s.task_id
     where s.undo_state in ('ready', 'dispatched', 'accepted', 'retry_wait') and t.state = 'unwinding' and t.finished_at is null
       and (s.undo_state = 'ready' and t.hold is null
              and not exists (select from service_gate g where g.service = s.service and g.paused)
            or s.undo_state <> 'ready' and not exists (select from timer m where m.owner_id = s.id and m.dir = 'undo' and ${waiting('s.undo_state')}))
     limit $1`,
    [limit],
  );
  return rows.map((row) => row['taskId'] as string);
}

/** The timers of which one must wait in this state of a step. */
const waiting = (state: string): string =>
  `m.kind = any(case ${state} when 'dispatched' then '{ack}' when 'retry_wait' then '{retry}' else '{beat,attempt,total}' end::text[])`;

/** Of one task: the commands that nothing waits for, asked under the lock of its row. */
export async function listLost(
  tx: Tx,
  taskId: string,
): Promise<readonly { readonly stepId: string; readonly direction: Direction }[]> {
  const rows = await tx.unsafe(
    `select s.id as "stepId", d.direction from step s,
       lateral (values ('do', s.state), ('undo', s.undo_state)) as d(direction, state)
     where s.task_id = $1 and d.state in ('dispatched', 'accepted', 'retry_wait')
       and not exists (select from timer m where m.owner_id = s.id and m.dir = d.direction and ${waiting('d.state')})
     order by s.ordinal, d.direction`,
    [taskId],
  );
  return rows as unknown as readonly { stepId: string; direction: Direction }[];
}

/** Those whose time is over; steps, attempts, events and claims go with them, each deletion has its fact. */
export async function claimExpired(
  tx: Tx,
  limit: number,
): Promise<readonly { id: string; version: number; tenantId: string }[]> {
  const rows = await tx.unsafe(
    `select t.id, t.version, t.tenant_id as "tenantId" from task t
     where t.expires_at <= now() and not exists (select from task c where c.parent_task_id = t.id)
     order by t.expires_at limit $1 for update skip locked`,
    [limit],
  );
  return rows as unknown as readonly { id: string; version: number; tenantId: string }[];
}

export async function removeTasks(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.unsafe(`delete from task where id = any($1::uuid[])`, [ids]);
}

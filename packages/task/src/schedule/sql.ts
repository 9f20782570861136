// READ COMMITTED. Lock order: the scopes that its task would lie in, root first; the schedule's run; the schedule; then the task and
// its lane as in store/sql.ts. The run is locked by everybody who changes or begins one, so no run is begun of what is being changed.
import { json, type Database, type Tx } from '@sentral/kernel/database';
import type { Initiator } from '../store/sql.js';

export interface Why {
  readonly code: string;
  readonly detail: string;
}

export interface ScheduleRow {
  readonly id: string;
  readonly tenantId: string;
  readonly projectId: string | null;
  readonly environmentId: string | null;
  readonly name: string;
  readonly kind: string;
  readonly input: unknown;
  readonly cron: string;
  readonly timeZone: string;
  readonly overlap: 'skip' | 'queue' | 'allow';
  readonly enabled: boolean;
  readonly held: (Why & { readonly at: string }) | null;
  readonly owner: Initiator;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly nextAt: Date | null;
  readonly lastAt: Date | null;
  readonly lastOutcome: 'started' | 'skipped' | 'refused' | null;
  readonly lastTaskId: string | null;
  readonly lastProblem: Why | null;
  /** The transaction's. */
  readonly now: Date;
}

export const selectSchedule = `select s.id, s.tenant_id as "tenantId", s.project_id as "projectId", s.environment_id as "environmentId",
  s.name, s.kind, s.input, s.cron, s.tz as "timeZone", s.overlap, s.enabled, s.held, s.owner, s.version, s.created_at as "createdAt",
  s.updated_at as "updatedAt", r.next_at as "nextAt", r.last_at as "lastAt", r.last_outcome as "lastOutcome",
  r.last_task_id as "lastTaskId", r.last_problem as "lastProblem", now() as now
  from schedule s join schedule_run r on r.schedule_id = s.id`;

export async function findSchedule(on: Pick<Database, 'unsafe'>, id: string): Promise<ScheduleRow | undefined> {
  const [row] = await on.unsafe(`${selectSchedule} where s.id = $1`, [id]);
  return row as unknown as ScheduleRow | undefined;
}

export const readNow = async (tx: Tx): Promise<Date> => (await tx.unsafe('select now() as now'))[0]?.['now'] as Date;

/** It is about to change or to go: nobody begins a run of it meanwhile. */
export async function lockSchedule(tx: Tx, id: string): Promise<ScheduleRow | undefined> {
  await tx.unsafe('select from schedule_run where schedule_id = $1 for update', [id]);
  const [row] = await tx.unsafe(`${selectSchedule} where s.id = $1 for update of s`, [id]);
  return row as unknown as ScheduleRow | undefined;
}

/** Read after the lock of its run is had, or left to whoever has it. */
export async function claimSchedule(tx: Tx, id: string): Promise<ScheduleRow | undefined> {
  const [claimed] = await tx.unsafe(
    'select schedule_id from schedule_run where schedule_id = $1 for update skip locked',
    [id],
  );
  return claimed === undefined ? undefined : findSchedule(tx, id);
}

export type NewSchedule = Pick<
  ScheduleRow,
  'id' | 'tenantId' | 'projectId' | 'environmentId' | 'name' | 'kind' | 'input' | 'cron' | 'timeZone' | 'overlap'
> &
  Pick<ScheduleRow, 'enabled' | 'owner' | 'nextAt'>;

export async function insertSchedule(tx: Tx, row: NewSchedule): Promise<void> {
  await tx.unsafe(
    `insert into schedule (id, tenant_id, project_id, environment_id, name, kind, input, cron, tz, overlap, enabled, owner)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      row.id,
      row.tenantId,
      row.projectId,
      row.environmentId,
      row.name,
      row.kind,
      json(row.input ?? null),
      row.cron,
      row.timeZone,
      row.overlap,
      row.enabled,
      json(row.owner),
    ],
  );
  await tx.unsafe('insert into schedule_run (schedule_id, next_at) values ($1, $2)', [
    row.id,
    row.nextAt?.toISOString() ?? null,
  ]);
}

/** Under the lock of the tenant's lane, so that two at once are both counted. */
export async function countSchedules(tx: Tx, tenantId: string): Promise<number> {
  const [row] = await tx.unsafe('select count(*)::int as count from schedule where tenant_id = $1', [tenantId]);
  return Number(row?.['count'] ?? 0);
}

export async function amendScheduleRow(
  tx: Tx,
  id: string,
  to: Pick<ScheduleRow, 'input' | 'cron' | 'timeZone' | 'overlap' | 'enabled' | 'held' | 'owner' | 'nextAt'>,
): Promise<void> {
  await tx.unsafe(
    `update schedule set input = $2, cron = $3, tz = $4, overlap = $5, enabled = $6, held = $7, owner = $8, version = version + 1,
       updated_at = now() where id = $1`,
    [
      id,
      json(to.input ?? null),
      to.cron,
      to.timeZone,
      to.overlap,
      to.enabled,
      to.held === null ? null : json(to.held),
      json(to.owner),
    ],
  );
  await tx.unsafe('update schedule_run set next_at = $2 where schedule_id = $1', [
    id,
    to.nextAt?.toISOString() ?? null,
  ]);
}

export async function deleteSchedule(tx: Tx, id: string): Promise<void> {
  await tx.unsafe('delete from schedule where id = $1', [id]);
}

/** How a run went, and when the next one is due. A run that began nothing leaves the task of the one before. */
export async function endRun(
  tx: Tx,
  id: string,
  run: {
    readonly outcome: 'started' | 'skipped' | 'refused';
    readonly taskId?: string;
    readonly problem?: Why;
    readonly nextAt: Date | null;
  },
): Promise<void> {
  await tx.unsafe(
    `update schedule_run set next_at = $2, last_at = now(), last_outcome = $3, last_task_id = coalesce($4, last_task_id), last_problem = $5
     where schedule_id = $1`,
    [
      id,
      run.nextAt?.toISOString() ?? null,
      run.outcome,
      run.taskId ?? null,
      run.problem === undefined ? null : json(run.problem),
    ],
  );
}

/** Whether the task of the run before is not over. */
export async function isLive(tx: Tx, taskId: string | null): Promise<boolean> {
  if (taskId === null) return false;
  const [row] = await tx.unsafe('select from task where id = $1 and finished_at is null', [taskId]);
  return row !== undefined;
}

/** Due ones in the order of their time, by schedule_run_due. One that waits for its run before is due again when that is over. */
export async function listDue(
  on: Pick<Database, 'unsafe'>,
  { after, limit }: { after: { nextAt: Date; id: string } | undefined; limit: number },
): Promise<readonly ScheduleRow[]> {
  const rows = await on.unsafe(
    `${selectSchedule} where r.next_at <= now() and ($1::timestamptz is null or (r.next_at, r.schedule_id) > ($1, $2::uuid))
       and not (s.overlap = 'queue' and exists (select from task t where t.id = r.last_task_id and t.finished_at is null))
     order by r.next_at, r.schedule_id limit $3`,
    [after?.nextAt.toISOString() ?? null, after?.id ?? null, limit],
  );
  return rows as unknown as readonly ScheduleRow[];
}

// Reads without locks, and short writes; every repair of a task goes through the decider under the lock of its row. READ COMMITTED.
import type { TaskStateName } from '../decide/aggregate.js';
import { json, type Database, type Tx } from '@sentral/kernel/database';
import { takesRoom } from '../store/sql.js';
import type { Page } from './runner.js';

/** The tasks of these steps, as they are. */
export async function listMakers(
  db: Database,
  stepIds: readonly string[],
): Promise<readonly { readonly stepId: string; readonly taskId: string; readonly state: TaskStateName }[]> {
  const rows = await db.unsafe(
    `select s.id as "stepId", t.id as "taskId", t.state from step s join task t on t.id = s.task_id where s.id = any($1::uuid[])`,
    [stepIds],
  );
  return rows as unknown as readonly { stepId: string; taskId: string; state: TaskStateName }[];
}

/** The next number of a step's undo, written down before it is sent; its task is locked, and has ended. */
export async function advanceUndo(tx: Tx, stepId: string): Promise<number> {
  const [row] = await tx.unsafe(
    'update step set undo_attempt = undo_attempt + 1 where id = $1 returning undo_attempt as attempt',
    [stepId],
  );
  return Number(row?.['attempt']);
}

interface ScanRow {
  readonly now: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly cursor: string | null;
}

export async function findScan(db: Database, name: string, at?: Date): Promise<ScanRow> {
  const [row] = await db.unsafe(
    `select coalesce($2::timestamptz, now()) as now, s.started_at as "startedAt", s.finished_at as "finishedAt", s.cursor
     from (values (1)) one left join scan s on s.name = $1`,
    [name, at?.toISOString() ?? null],
  );
  return row as unknown as ScanRow;
}

export async function keepScan(
  tx: Tx,
  name: string,
  { rows, repaired, next, startedAt, first }: Page & { startedAt: Date; first: boolean },
): Promise<void> {
  await tx.unsafe(
    `insert into scan as s (name, cursor, started_at, rows, repaired) values ($1, $2, $3, $4, $5)
     on conflict (name) do update set cursor = $2, started_at = $3, finished_at = null,
       rows = $4 + case when $6 then 0 else s.rows end, repaired = $5 + case when $6 then 0 else s.repaired end`,
    [name, next ?? null, startedAt.toISOString(), rows, repaired, first],
  );
}

export async function closeScan(tx: Tx, name: string, at: Date): Promise<void> {
  await tx.unsafe(`update scan set cursor = null, finished_at = $2 where name = $1`, [name, at.toISOString()]);
}

/** Steps that have answered nothing to three commands in a row, and should have by now (T3). By step_live and step_undo_open. */
export async function listSilent(
  db: Database,
  { after, now, limit }: { after: string | undefined; now: Date; limit: number },
): Promise<readonly { readonly taskId: string; readonly stepId: string; readonly service: string }[]> {
  const silent = (state: string, task: string): string =>
    `select s.task_id as "taskId", s.id as "stepId", s.service from step s join task t on t.id = s.task_id
     where ${state} in ('dispatched', 'accepted', 'retry_wait') and t.state = '${task}' and t.finished_at is null
       and s.unknowns >= 3 and s.kind <> 'wait' and ($1::uuid is null or s.id > $1)
       and exists (select from attempt a where a.step_id = s.id and a.attempt = 1
         and a.dispatched_at <= $2::timestamptz - (s.policy ->> 'attemptMs')::float8 * interval '1 millisecond')`;
  const rows = await db.unsafe(
    `${silent('s.state', 'running')} union ${silent('s.undo_state', 'unwinding')} order by "stepId" limit $3`,
    [after ?? null, now.toISOString(), limit],
  );
  return rows as unknown as readonly { taskId: string; stepId: string; service: string }[];
}

/** Tasks that nothing has been heard of for half an hour although they wait for nobody: no person, no signal, no child, no gate (T4). */
export async function listStale(
  db: Database,
  { after, now, limit }: { after: string | undefined; now: Date; limit: number },
): Promise<readonly string[]> {
  const rows = await db.unsafe(
    `select t.id from task t where t.state in ('running', 'unwinding') and t.finished_at is null and t.hold is null
       and t.updated_at <= $2::timestamptz - interval '30 minutes' and ($1::uuid is null or t.id > $1)
       and not exists (select from step s where s.task_id = t.id and (
         s.kind <> 'command' and case t.state when 'running' then s.state else s.undo_state end = 'accepted'
         or exists (select from service_gate g where g.service = s.service and g.paused)))
     order by t.id limit $3`,
    [after ?? null, now.toISOString(), limit],
  );
  return rows.map((row) => row['id'] as string);
}

export async function listLanes(
  db: Database,
  { after, limit }: { after: string | undefined; limit: number },
): Promise<readonly string[]> {
  const rows = await db.unsafe(
    `select tenant_id as id from lane where $1::uuid is null or tenant_id > $1 order by tenant_id limit $2`,
    [after ?? null, limit],
  );
  return rows.map((row) => row['id'] as string);
}

/** Counted under the lane's lock, which every change of a task in it takes last: what is committed is in both numbers or in none. */
export async function recountLane(tx: Tx, tenantId: string): Promise<boolean> {
  await tx.unsafe('select from lane where tenant_id = $1 for update', [tenantId]);
  const rows = await tx.unsafe(
    `update lane l set queued = c.queued, running = c.running from (
       select count(*) filter (where t.state = 'queued')::int as queued, count(*) filter (where ${takesRoom})::int as running
       from task t where t.tenant_id = $1 and t.finished_at is null) c
     where l.tenant_id = $1 and (l.queued, l.running) is distinct from (c.queued, c.running) returning 1 as one`,
    [tenantId],
  );
  return rows.length === 1;
}

/** The states of tasks by id; one that is not there is none. */
export async function statesOf(db: Database, ids: readonly string[]): Promise<ReadonlyMap<string, TaskStateName>> {
  const rows = await db.unsafe('select id, state from task where id = any($1::uuid[])', [ids]);
  return new Map(rows.map((row) => [row['id'] as string, row['state'] as TaskStateName]));
}

export interface OpenHolding {
  readonly taskId: string;
  readonly ref: string;
}

/** What live tasks hold by their own word, by holding_open. */
export async function listHoldings(
  db: Database,
  { after, limit }: { after: string | undefined; limit: number },
): Promise<readonly OpenHolding[]> {
  const rows = await db.unsafe(
    `select h.task_id as "taskId", h.ref from holding h join task t on t.id = h.task_id
     where h.state in ('held', 'bound') and t.state = 'running' and t.finished_at is null
       and ($1::text is null or h.task_id::text || ' ' || h.ref > $1)
     order by h.task_id::text || ' ' || h.ref limit $2`,
    [after ?? null, limit],
  );
  return rows as unknown as readonly OpenHolding[];
}

/** What people and scans were told and is settled for half a year, and operations whose task is gone. */
export async function removeSettled(db: Database, now: Date, limit: number): Promise<number> {
  const old = `$1::timestamptz - interval '180 days'`;
  const [row] = await db.unsafe(
    `with findings as (delete from finding where id in (
         select id from finding where state in ('resolved', 'accepted') and coalesce(resolved_at, last_at) <= ${old} limit $2) returning 1),
       letters as (delete from dead_letter where id in (
         select id from dead_letter where state <> 'open' and resolved_at <= ${old} limit $2) returning 1),
       operations as (delete from operation where op in (
         select o.op from operation o where o.state in ('done', 'failed', 'undone') and o.updated_at <= $1::timestamptz - interval '7 days'
           and not exists (select from step s where s.id = o.op) limit $2) returning 1)
     select (select count(*) from findings) + (select count(*) from letters) + (select count(*) from operations) as gone`,
    [now.toISOString(), limit],
  );
  return Number(row?.['gone'] ?? 0);
}

export interface Sighting {
  readonly id: string;
  readonly kind: string;
  readonly service: string;
  readonly subject: string;
  readonly taskId: string | null;
  readonly generation: number | null;
  readonly expected?: object | undefined;
  readonly observed?: object | undefined;
}

/**
 * Writes down what was seen. `open` once it has been seen in a second pass, at least a minute later and of the same generation; a
 * new generation is another thing, seen for the first time.
 */
export async function sight(
  tx: Tx,
  sighting: Sighting,
  now: Date,
): Promise<{ readonly id: string; readonly state: 'suspect' | 'open' | 'repairing'; readonly firstAt: Date }> {
  const { id, kind, service, subject, taskId, generation, expected = null, observed = null } = sighting;
  const [row] = await tx.unsafe(
    `insert into finding as f (id, kind, service, subject, task_id, generation, expected, observed, state, first_at, last_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, 'suspect', $9, $9)
     on conflict (kind, service, subject) where state in ('suspect', 'open', 'repairing') do update set
       state = case when f.state <> 'suspect' then f.state
         when f.generation is not distinct from $6 and f.first_at <= $9::timestamptz - interval '60 seconds' then 'open' else 'suspect' end,
       seen = case when f.generation is not distinct from $6 then least(f.seen + 1, 32767) else 1 end,
       first_at = case when f.generation is not distinct from $6 then f.first_at else $9 end,
       generation = $6, expected = $7, observed = $8, last_at = $9
     returning id, state, first_at as "firstAt"`,
    [
      id,
      kind,
      service,
      subject,
      taskId,
      generation,
      expected === null ? null : json(expected),
      observed === null ? null : json(observed),
      now.toISOString(),
    ],
  );
  return row as unknown as { id: string; state: 'suspect' | 'open' | 'repairing'; firstAt: Date };
}

export async function moveFinding(
  tx: Pick<Tx, 'unsafe'>,
  id: string,
  to: { state: 'open' | 'repairing' | 'resolved'; note: string | null; at: Date },
): Promise<void> {
  await tx.unsafe(
    `update finding set state = $2, note = coalesce($3, note), resolved_at = case when $2 = 'resolved' then $4::timestamptz end
     where id = $1 and state in ('suspect', 'open', 'repairing')`,
    [id, to.state, to.note, to.at.toISOString()],
  );
}

/** A pass has looked everywhere: what it did not see again was never there, or is no longer so. */
export async function endSightings(db: Database, kinds: readonly string[], pass: { startedAt: Date; now: Date }) {
  const params = [kinds, pass.startedAt.toISOString(), pass.now.toISOString()];
  await db.unsafe(
    `with gone as (delete from finding where kind = any($1::text[]) and state = 'suspect' and last_at < $2)
     update finding set state = 'resolved', resolved_at = $3, note = coalesce(note, 'not seen again')
     where kind = any($1::text[]) and state in ('open', 'repairing') and last_at < $2`,
    params,
  );
}

// Lock order: the turn of the source (advisory), then its findings by id; who decides on one locks that one alone. Nodes are only
// referred to. READ COMMITTED: reports of one source go one after the other, so what one has counted the next has read.
import { json, type Database, type Tx } from '@sentral/kernel/database';
import { lockName } from '@sentral/kernel/lease';
import { rowsOf, type Sight } from '../reading.js';
import { selectFinding, type FindingRow } from './resource.js';
import type { Found } from './rules.js';

export async function findFinding(db: Database | Tx, sight: Sight, id: string): Promise<FindingRow | undefined> {
  const q = rowsOf('finding', sight, [id]);
  const [row] = await db.unsafe(`${selectFinding} ${q.where()}`, q.params);
  return row as FindingRow | undefined;
}

/** NO KEY UPDATE: a sighting of it waits, nobody who only refers to it does. */
export async function lockFinding(tx: Tx, sight: Sight, id: string): Promise<FindingRow | undefined> {
  const q = rowsOf('finding', sight, [id]);
  await tx.unsafe(`select f.id from finding f ${q.where()} for no key update of f`, q.params);
  return findFinding(tx, sight, id);
}

/** One report of a source at a time: two of them would both see a difference for the first time. */
export const lockSource = (tx: Tx, source: string): Promise<void> => lockName(tx, 'inventory', `finding ${source}`);

/** The findings of these things that are not resolved, until commit. */
export async function lockStanding(
  tx: Tx,
  source: string,
  resources: readonly string[],
): Promise<readonly FindingRow[]> {
  const ofThese = `where f.source = $1 and f.resource = any($2::text[]) and f.state <> 'resolved'`;
  const params = [source, [...resources]];
  await tx.unsafe(`select f.id from finding f ${ofThese} order by f.id for no key update of f`, params);
  return (await tx.unsafe(`${selectFinding} ${ofThese}`, params)) as unknown as readonly FindingRow[];
}

export async function listFindingsById(tx: Tx, ids: readonly string[]): Promise<readonly FindingRow[]> {
  if (ids.length === 0) return [];
  return (await tx.unsafe(`${selectFinding} where f.id = any($1::uuid[])`, [
    [...ids],
  ])) as unknown as readonly FindingRow[];
}

/** How many findings of a source wait for their end, `most` of them counted. */
export async function countStanding(tx: Tx, source: string, most: number): Promise<number> {
  const [row] = await tx.sql<{ count: number }>`
    select count(*)::int as count from (
      select from finding where source = ${source} and state <> 'resolved' limit ${most}) standing`;
  return row?.count ?? 0;
}

export interface NewFinding extends Found {
  readonly id: string;
  readonly source: string;
  readonly resource: string;
  readonly nodeId: string | null;
  readonly tenantId: string | null;
  readonly allocationId: string | null;
  readonly taskId: string | null;
  readonly stepId: string | null;
}

export async function insertFindings(tx: Tx, rows: readonly NewFinding[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.sql`
    insert into finding (id, kind, state, source, resource, node_id, tenant_id, allocation_id, task_id, step_id, generation, differences, first_seen_at)
    select x.id, x.kind, x.state, x.source, x.resource, x."nodeId", x."tenantId", x."allocationId", x."taskId", x."stepId", x.generation, x.differences, x."firstSeenAt"
    from jsonb_to_recordset(${json(rows)}) as x(id uuid, kind text, state text, source text, resource text, "nodeId" uuid, "tenantId" uuid,
      "allocationId" uuid, "taskId" uuid, "stepId" uuid, generation bigint, differences jsonb, "firstSeenAt" timestamptz)`;
}

/** What was decided of an accepted one goes with it when it is suspect again. */
export async function amendFindings(tx: Tx, rows: readonly (Found & { readonly id: string })[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.sql`
    update finding f set kind = x.kind, state = x.state, generation = x.generation, differences = x.differences, first_seen_at = x."firstSeenAt",
      note = case when x.state = 'suspect' then null else f.note end, decided_by = case when x.state = 'suspect' then null else f.decided_by end,
      version = f.version + 1, updated_at = now()
    from jsonb_to_recordset(${json(rows)}) as x(id uuid, kind text, state text, generation bigint, differences jsonb, "firstSeenAt" timestamptz)
    where f.id = x.id`;
}

export async function resolveFindings(
  tx: Tx,
  rows: readonly { readonly id: string; readonly resolution: string }[],
): Promise<void> {
  if (rows.length === 0) return;
  await tx.sql`
    update finding f set state = 'resolved', resolution = x.resolution, resolved_at = now(), version = f.version + 1, updated_at = now()
    from jsonb_to_recordset(${json(rows)}) as x(id uuid, resolution text)
    where f.id = x.id`;
}

export interface Seen {
  readonly findingId: string;
  readonly observedAt: Date;
  readonly restart: boolean;
}

export async function countSightings(tx: Tx, rows: readonly Seen[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.sql`
    insert into finding_sighting as s (finding_id, sightings, last_seen_at)
    select x."findingId", 1, x."observedAt" from jsonb_to_recordset(${json(rows)}) as x("findingId" uuid, "observedAt" timestamptz)
    on conflict (finding_id) do update set last_seen_at = excluded.last_seen_at,
      sightings = case when s.finding_id = any(${rows.filter((row) => row.restart).map((row) => row.findingId)}::uuid[]) then 1 else s.sightings + 1 end`;
}

export interface Decision {
  readonly state: 'accepted' | 'repairing' | 'resolved';
  readonly note: string | null;
  readonly decidedBy: object;
  readonly taskId: string | null;
}

export async function decideFinding(tx: Tx, id: string, to: Decision): Promise<void> {
  await tx.sql`
    update finding set state = ${to.state}, note = ${to.note}, decided_by = ${json(to.decidedBy)}, task_id = coalesce(${to.taskId}::uuid, task_id),
      resolution = case when ${to.state} = 'resolved' then 'decided' end, resolved_at = case when ${to.state} = 'resolved' then now() end,
      version = version + 1, updated_at = now()
    where id = ${id}`;
}

/** Resolved so long ago that nobody asks any more; what others are busy with is left. */
export async function claimSettled(tx: Tx, limit: number): Promise<readonly { id: string; version: number }[]> {
  return tx.sql<{ id: string; version: number }>`
    select id, version from finding where state = 'resolved' and resolved_at <= now() - interval '180 days'
    order by resolved_at limit ${limit} for update skip locked`;
}

export async function removeFindings(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.sql`delete from finding_sighting where finding_id = any(${ids}::uuid[])`;
  await tx.sql`delete from finding where id = any(${ids}::uuid[])`;
}

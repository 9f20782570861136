// Lock order: the pool, then the nodes that come into it (SHARE, by id). A retire of a node asks for pools under the node's lock.
import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import type { Pool } from '@sentral/contracts/inventory/pool';
import { json, type Database, type Tx } from '@sentral/kernel/database';
import { query } from '@sentral/kernel/page';
import { allocationSeen, rowsOf, seenIds, walkOf, type Sight } from '../reading.js';

export interface Member {
  readonly nodeId: string;
  readonly shares: boolean;
}

export interface PoolRow {
  readonly id: string;
  readonly name: string;
  readonly tenantId: string | null;
  readonly labels: Record<string, string>;
  readonly members: readonly Member[];
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export const selectPool = `select p.id, p.name, p.tenant_id as "tenantId", p.labels,
  coalesce((select jsonb_agg(jsonb_build_object('nodeId', m.node_id, 'shares', m.shares) order by m.node_id) from pool_member m where m.pool_id = p.id), '[]') as members,
  p.version, p.created_at as "createdAt", p.updated_at as "updatedAt" from pool p`;

export async function findPool(db: Database | Tx, sight: Sight, id: string): Promise<PoolRow | undefined> {
  const q = rowsOf('pool', sight, [id]);
  const [row] = await db.unsafe(`${selectPool} ${q.where()} and p.ended_at is null`, q.params);
  return row as PoolRow | undefined;
}

export async function lockPool(tx: Tx, sight: Sight, id: string): Promise<PoolRow | undefined> {
  const q = rowsOf('pool', sight, [id]);
  await tx.unsafe(`select p.id from pool p ${q.where()} for no key update of p`, q.params);
  return findPool(tx, sight, id);
}

export interface NewPool {
  readonly id: string;
  readonly name: string;
  readonly tenantId: string | null;
  readonly labels: unknown;
}

export async function insertPool(tx: Tx, pool: NewPool): Promise<void> {
  await tx.sql`
    insert into pool (id, name, tenant_id, labels) values (${pool.id}, ${pool.name}, ${pool.tenantId}, ${json(pool.labels)})`;
}

export async function amendPoolRow(tx: Tx, id: string, to: { name: string; labels: unknown }): Promise<void> {
  await tx.sql`
    update pool set name = ${to.name}, labels = ${json(to.labels)}, version = version + 1, updated_at = now() where id = ${id}`;
}

export async function endPool(tx: Tx, id: string): Promise<void> {
  await tx.sql`update pool set ended_at = now(), version = version + 1, updated_at = now() where id = ${id}`;
  await tx.sql`delete from pool_member where pool_id = ${id}`;
}

/** The members are these and no others. */
export async function writeMembers(tx: Tx, id: string, members: readonly Member[]): Promise<void> {
  const ids = members.map(({ nodeId }) => nodeId);
  await tx.sql`delete from pool_member where pool_id = ${id}::uuid and node_id <> all(${ids}::uuid[])`;
  await tx.sql`
    insert into pool_member as m (pool_id, node_id, shares)
    select ${id}::uuid, n.id, n.shares from unnest(${ids}::uuid[], ${members.map(({ shares }) => shares)}::boolean[]) as n(id, shares)
    on conflict (pool_id, node_id) do update set shares = excluded.shares where m.shares <> excluded.shares`;
}

export interface PoolCapacityRow {
  readonly class: string;
  readonly providers: number;
  readonly cap: number;
  readonly used: number;
  readonly free: number;
  readonly largestFree: number;
  readonly overBy: number;
}

/** Members with all that lies in them, each node once; a walk ends where it meets what is not seen. */
export async function listPoolCapacity(db: Database, sight: Sight, id: string): Promise<readonly PoolCapacityRow[]> {
  const q = walkOf(sight);
  const rows = await db.unsafe(
    `with recursive inside (id) as (
       select n.id from pool_member m join node n on n.id = m.node_id where m.pool_id = ${q.value(id)}::uuid and ${q.sees('node', 'n')}
       union
       select n.id from inside, lateral (select n.* from node n where n.parent_id = inside.id offset 0) n
       where n.state <> 'retired' and ${q.seesBelow('n')}
     )
     select c.class, count(*)::int as providers, sum(c.cap)::bigint as cap, sum(c.used)::bigint as used,
       sum(greatest(0, c.cap - c.used))::bigint as free, max(greatest(0, c.cap - c.used)) as "largestFree", sum(c.over_by)::bigint as "overBy"
     from inside join capacity c on c.node_id = inside.id group by c.class order by c.class`,
    q.params,
  );
  return rows as unknown as readonly PoolCapacityRow[];
}

/** Pools that something leaves when it comes to lie in `to` and no longer in `from`: one that it is a member of itself it takes along. */
export async function findPoolLeft(
  tx: Tx,
  move: { from: string | null; to: string | null },
): Promise<string | undefined> {
  const above = (id: string | null) => tx.sql<{ id: string }>`
    with recursive up (id) as (
      select ${id}::uuid union select n.parent_id from node n join up on n.id = up.id
    ) select distinct m.pool_id as id from pool_member m join up on up.id = m.node_id`;
  const left = (await above(move.from)).map(({ id }) => id);
  if (left.length === 0) return undefined;
  const stays = new Set((await above(move.to)).map(({ id }) => id));
  return left.find((id) => !stays.has(id));
}

/** Who holds anything of nodes and of all that lies in them, at most a thousand; `seen` where the caller may know which. */
export async function listHoldersInside(
  tx: Tx,
  caller: Caller,
  nodeIds: readonly string[],
): Promise<readonly { id: string; seen: boolean }[]> {
  const q = query();
  const rows = await tx.unsafe(
    `with recursive inside (id) as (
       select unnest(${q.value(nodeIds)}::uuid[])
       union
       select n.id from inside, lateral (select n.id from node n where n.parent_id = inside.id offset 0) n
     )
     select distinct a.id::text as id, ${allocationSeen(q, caller, 'a')} as seen
     from inside join allocation_item i on i.node_id = inside.id and i.ended_at is null and upper(i.during) > now()
     join allocation a on a.id = i.allocation_id order by 1 limit 1000`,
    q.params,
  );
  return rows as unknown as readonly { id: string; seen: boolean }[];
}

/** Of each pool the members that are seen. */
export async function concealMembers(
  db: Pick<Database, 'unsafe'>,
  sight: Sight,
  rows: readonly PoolRow[],
): Promise<readonly PoolRow[]> {
  const ids = [...new Set(rows.flatMap(({ members }) => members.map(({ nodeId }) => nodeId)))];
  const seen = await seenIds(db, sight, { noun: 'node', ids });
  return rows.map((row) => ({ ...row, members: row.members.filter(({ nodeId }) => seen.has(nodeId)) }));
}

export function toPool(row: PoolRow): Pool {
  return {
    id: encodeId('pol', row.id),
    type: 'pool',
    version: row.version,
    name: row.name,
    ...(row.tenantId === null ? {} : { tenantId: encodeId('tnt', row.tenantId) }),
    labels: row.labels,
    members: row.members.map(({ nodeId, shares }) => ({ nodeId: encodeId('nod', nodeId), shares })),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

/** A pool as the caller may see it. */
export async function shownPool(db: Pick<Database, 'unsafe'>, sight: Sight, row: PoolRow): Promise<Pool> {
  const [seen = row] = await concealMembers(db, sight, [row]);
  return toPool(seen);
}

// Reads without locks for the explanation, in one snapshot; one insert for what is kept, behind the turn of its principal.
import type { Caller } from '@sentral/contracts/contract';
import { refusalsPerSecondMax } from '@sentral/contracts/inventory/refusal';
import { json, type Tx } from '@sentral/kernel/database';
import { lockName } from '@sentral/kernel/lease';
import { query } from '@sentral/kernel/page';
import type { CapacityKey, LockedCapacity } from '../allocation/capacity-sql.js';
import { selectToTake, type NodeToTake } from '../allocation/node-sql.js';
import type { Window } from '../allocation/window.js';
import { allocationSeen, rowsOf, type Sight } from '../reading.js';
import type { Giving } from './pool-sql.js';

/** Nodes as they may be given, unlocked. */
export async function listNodesToTake(tx: Tx, sight: Sight, ids: readonly string[]): Promise<readonly NodeToTake[]> {
  if (ids.length === 0) return [];
  const q = rowsOf('node', sight, ids);
  const rows = await tx.unsafe(`${selectToTake} ${q.where()} order by n.id`, q.params);
  return rows as unknown as readonly NodeToTake[];
}

/** A counter with what of its use has run out and waits to be ended. */
export interface Counter extends LockedCapacity {
  readonly overdue: number;
}

export async function listCounters(tx: Tx, nodeIds: readonly string[]): Promise<readonly Counter[]> {
  if (nodeIds.length === 0) return [];
  return tx.sql<Counter & object>`
    select c.node_id as "nodeId", c.class, c.min_unit as "minUnit", c.max_unit as "maxUnit", c.step, c.cap, c.used, c.booked, r.dimension,
      (select coalesce(sum(i.amount), 0)::bigint from allocation_item i
       where i.node_id = c.node_id and i.class = c.class and i.what = 'capacity' and i.ended_at is null and upper(i.during) <= now()) as overdue
    from capacity c join resource_class r on r.key = c.class where c.node_id = any(${[...nodeIds]}::uuid[])`;
}

export async function listKnownClasses(tx: Tx, keys: readonly string[]): Promise<ReadonlySet<string>> {
  if (keys.length === 0) return new Set();
  const rows = await tx.sql<{ key: string }>`select key from resource_class where key = any(${[...keys]}::text[])`;
  return new Set(rows.map(({ key }) => key));
}

/** When so much more of a counter is free, by the leases that may be told of. */
export async function findCapacityFreedAt(
  tx: Tx,
  key: CapacityKey,
  wanted: { readonly amount: number; readonly whose: 'anyone' | Caller },
): Promise<Date | undefined> {
  const q = query();
  const seen = wanted.whose === 'anyone' ? 'true' : allocationSeen(q, wanted.whose, 'a');
  const [row] = await tx.unsafe(
    `select f.at from (
       select upper(i.during) as at, sum(i.amount) over (order by upper(i.during)) as freed
       from allocation_item i join allocation a on a.id = i.allocation_id
       where i.node_id = ${q.value(key.nodeId)}::uuid and i.class = ${q.value(key.class)} and i.what = 'capacity' and i.ended_at is null
         and upper(i.during) > now() and upper(i.during) < 'infinity' and ${seen}) f
     where f.freed >= ${q.value(wanted.amount)}::bigint order by f.at limit 1`,
    q.params,
  );
  return row?.['at'] as Date | undefined;
}

/** Allocations that the caller sees and that hold most of a counter. */
export async function listCapacityGiving(
  tx: Tx,
  key: CapacityKey,
  { caller, window, limit }: { caller: Caller; window: Window; limit: number },
): Promise<readonly Giving[]> {
  const q = query();
  const rows = await tx.unsafe(
    `select a.id as "allocationId", sum(i.amount)::bigint as amount from allocation_item i join allocation a on a.id = i.allocation_id
     where i.node_id = ${q.value(key.nodeId)}::uuid and i.class = ${q.value(key.class)} and i.what = 'capacity' and i.ended_at is null
       and i.during && tstzrange(coalesce(${q.value(window.startsAt)}::timestamptz, now()), ${q.value(window.endsAt)}::timestamptz)
       and upper(i.during) > now() and ${allocationSeen(q, caller, 'a')}
     group by a.id order by sum(i.amount) desc, a.id limit ${q.value(limit)}`,
    q.params,
  );
  return rows as unknown as readonly Giving[];
}

/** Which of these the caller sees; one is enough where each would do. */
export async function listSeenAllocations(tx: Tx, caller: Caller, ids: readonly string[]): Promise<readonly string[]> {
  if (ids.length === 0) return [];
  const q = query();
  const rows = await tx.unsafe(
    `select a.id from allocation a where a.id = any(${q.value([...ids])}::uuid[]) and ${allocationSeen(q, caller, 'a')} order by a.id limit 1`,
    q.params,
  );
  return rows.map((row) => String(row['id']));
}

export async function countRecent(tx: Tx, principalId: string): Promise<number> {
  const [row] = await tx.sql<{ count: number }>`
    select count(*)::int as count from refusal where principal_id = ${principalId} and created_at > now() - interval '1 second'`;
  return row?.count ?? 0;
}

export interface NewRefusal {
  readonly id: string;
  readonly tenantId: string;
  readonly projectId: string | null;
  readonly scopeId: string;
  readonly caller: Caller;
  readonly problem: object;
  readonly explanation: object;
}

/** Keeps it unless its principal has had enough of them in this second; one of a principal at a time, so that none slips through. */
export async function insertRefusal(tx: Tx, row: NewRefusal): Promise<boolean> {
  const { id: principalId, type } = row.caller.principal;
  await lockName(tx, 'inventory', `refusal ${principalId}`);
  const rows = await tx.sql`
    insert into refusal (id, tenant_id, project_id, scope_id, principal_id, principal_type, read_scope, problem, explanation, created_at)
    select ${row.id}::uuid, ${row.tenantId}::uuid, ${row.projectId}::uuid, ${row.scopeId}::uuid, ${principalId}, ${type},
      ${json(row.caller.readScope)}, ${json(row.problem)}, ${json(row.explanation)}, clock_timestamp()
    where (select count(*) from refusal r where r.principal_id = ${principalId} and r.created_at > clock_timestamp() - interval '1 second') < ${refusalsPerSecondMax}::int
    returning id`;
  return rows.length === 1;
}

// Reads only, in a transaction that locks nothing: what a pool of numbers or hosts has given out. What has run out is free or rests.
import type { Caller } from '@sentral/contracts/contract';
import type { Tx } from '@sentral/kernel/database';
import { query, type Query } from '@sentral/kernel/page';
import type { BlockRow } from '../allocation/address-sql.js';
import { allocationSeen } from '../reading.js';

/** What of a pool is asked about: all of it, or one stated value. */
export type Pool =
  | { readonly of: 'number'; readonly domainId: string; readonly rangeId: string | null; readonly value?: number }
  | { readonly of: 'address'; readonly block: BlockRow; readonly value?: string };

/** One row a value that is not free: the item that holds it, until when, and how long it rests afterwards. */
function holdsOf(q: Query, pool: Pool): string {
  if (pool.of === 'number') {
    const [domain, range] = [q.value(pool.domainId), q.value(pool.rangeId)];
    return `select h.item_id, h.free_at, d.cool_down_seconds as rest from number_hold h join number_domain d on d.id = h.domain_id
      where h.domain_id = ${domain}::uuid and h.free_at > now() ${pool.value === undefined ? '' : `and h.value = ${q.value(pool.value)}::bigint`}
        and exists (select from number_range r where r.domain_id = h.domain_id and r.id = coalesce(${range}::uuid, r.id) and r.ended_at is null and r.numbers @> h.value)`;
  }
  const { block } = pool;
  return `select h.item_id, h.free_at, s.cool_down_seconds as rest from address_hold h join address_space s on s.id = h.space_id
    where h.space_id = ${q.value(block.spaceId)}::uuid and h.free_at > now()
      and h.host between ${q.value(block.firstHost)}::inet and ${q.value(block.lastHost)}::inet ${pool.value === undefined ? '' : `and h.host = ${q.value(pool.value)}::inet`}
      and not exists (select from address_range r where r.space_id = h.space_id and r.ended_at is null and h.host between r.first_host and r.last_host)
      and not exists (select from address_block c where c.parent_id = ${q.value(block.id)}::uuid and c.ended_at is null and h.host << c.cidr)`;
}

/** The same, each with what becomes of it: `over` when its lease or its holder is at an end, `given` when the request gives it back. */
const judgedHolds = (q: Query, pool: Pool, given: readonly string[]): string =>
  `select h.free_at, h.rest, i.allocation_id, coalesce(i.ended_at is not null or upper(i.during) <= now(), false) as over,
     coalesce(i.id = any(${q.value(given)}::uuid[]), false) as given
   from (${holdsOf(q, pool)}) h left join allocation_item i on i.id = h.item_id`;

export interface PoolUse {
  readonly held: number;
  readonly resting: number;
}

export async function findPoolUse(tx: Tx, pool: Pool, given: readonly string[]): Promise<PoolUse> {
  const q = query();
  const text = `select count(*) filter (where not over and not given)::int as held,
    count(*) filter (where over or given and rest > 0)::int as resting from (${judgedHolds(q, pool, given)}) k`;
  const [row] = await tx.unsafe(text, q.params);
  return row as unknown as PoolUse;
}

/** How many numbers the ranges have. */
export async function findPoolSize(tx: Tx, domainId: string, rangeId: string | null): Promise<number> {
  const [row] = await tx.sql<{ size: number }>`
    select coalesce(sum(upper(r.numbers) - lower(r.numbers)), 0)::bigint as size from number_range r
    where r.domain_id = ${domainId}::uuid and r.id = coalesce(${rangeId}::uuid, r.id) and r.ended_at is null`;
  return row?.size ?? 0;
}

/** What lies in a block: spans that it does not give hosts or blocks of, and those of its children. */
export async function listFenced(
  tx: Tx,
  block: BlockRow,
): Promise<{ readonly ranges: readonly string[][]; readonly children: readonly ChildRow[] }> {
  const ranges = await tx.sql<{ first: string; last: string }>`
    select host(r.first_host) as first, host(r.last_host) as last from address_range r
    where r.space_id = ${block.spaceId}::uuid and r.ended_at is null and family(r.first_host) = family(${block.cidr}::cidr)
      and r.last_host >= host(network(${block.cidr}::cidr))::inet and r.first_host <= host(broadcast(${block.cidr}::cidr))::inet`;
  const children = await tx.sql<ChildRow & object>`
    select c.cidr::text as cidr, c.ended_at is not null as resting, i.id as "itemId", i.allocation_id as "allocationId",
      case when c.ended_at is null then nullif(upper(i.during), 'infinity') else c.reusable_at end as until, s.cool_down_seconds as rest,
      coalesce(upper(i.during) <= now(), false) as over
    from address_block c join address_space s on s.id = c.space_id
    left join allocation_item i on i.taken_block_id = c.id and i.ended_at is null
    where c.parent_id = ${block.id}::uuid and (c.ended_at is null or c.reusable_at > now())`;
  return { ranges: ranges.map(({ first, last }) => [first, last]), children };
}

export interface ChildRow {
  readonly cidr: string;
  readonly resting: boolean;
  readonly itemId: string | null;
  readonly allocationId: string | null;
  readonly until: Date | null;
  /** Seconds of cool-down after it is given back. */
  readonly rest: number;
  readonly over: boolean;
}

/** Hosts of a block that are held, for a block that is to be cut out of it. */
export async function listHeldHosts(tx: Tx, block: BlockRow): Promise<readonly { host: string; resting: boolean }[]> {
  return tx.sql<{ host: string; resting: boolean }>`
    select host(h.host) as host, coalesce(i.ended_at is not null or upper(i.during) <= now(), false) as resting
    from address_hold h left join allocation_item i on i.id = h.item_id
    where h.space_id = ${block.spaceId}::uuid and h.free_at > now()
      and h.host between host(network(${block.cidr}::cidr))::inet and host(broadcast(${block.cidr}::cidr))::inet`;
}

/** Whose holds may be told of: everyone's, or what the caller sees. */
export type Whose = 'anyone' | Caller;

const seenBy = (q: Query, whose: Whose): string =>
  whose === 'anyone'
    ? 'true'
    : `exists (select from allocation a where a.id = k.allocation_id and ${allocationSeen(q, whose, 'a')})`;

/** When so many values are free that were not, by the holds that may be told of; undefined while too many are held for good. */
export async function findFreedAt(
  tx: Tx,
  pool: Pool,
  wanted: { readonly given: readonly string[]; readonly count: number; readonly whose: Whose },
): Promise<Date | undefined> {
  const q = query();
  const [row] = await tx.unsafe(
    `select k.free_at as at from (${judgedHolds(q, pool, wanted.given)}) k
     where k.free_at < 'infinity' and not (k.given and k.rest = 0) and ${seenBy(q, wanted.whose)}
     order by k.free_at offset ${q.value(wanted.count - 1)} limit 1`,
    q.params,
  );
  return row?.['at'] as Date | undefined;
}

export interface Giving {
  readonly allocationId: string;
  readonly amount: number;
}

/** Allocations that the caller sees and that hold most of it, where what is given back is free at once. */
export async function listGiving(
  tx: Tx,
  pool: Pool,
  { caller, given, limit }: { caller: Caller; given: readonly string[]; limit: number },
): Promise<readonly Giving[]> {
  const q = query();
  const rows = await tx.unsafe(
    `select k.allocation_id as "allocationId", count(*)::int as amount from (${judgedHolds(q, pool, given)}) k
     where k.rest = 0 and not k.over and not k.given and k.allocation_id is not null and ${seenBy(q, caller)}
     group by k.allocation_id order by count(*) desc, k.allocation_id limit ${q.value(limit)}`,
    q.params,
  );
  return rows as unknown as readonly Giving[];
}

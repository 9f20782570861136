import type { Invariant } from '@sentral/contracts/shared-verbs';
import type { Database } from '@sentral/kernel/database';

interface Check {
  readonly name: string;
  readonly statement: string;
  /** Selects one text column `example` per violation. */
  readonly query: string;
}

/** Reads only, each in its own snapshot: a violation that heals between two of them was none. */
export const invariants: readonly Check[] = [
  {
    name: 'inventory.node.noneInRetired',
    statement: 'Nothing lives in a retired node.',
    query: `select n.id::text as example from node n join node p on p.id = n.parent_id where p.state = 'retired' and n.state <> 'retired'`,
  },
  {
    name: 'inventory.node.reachable',
    statement: 'Every node hangs on a root: containment has no loop.',
    query: `with recursive down (id) as (select id from node where parent_id is null union all select n.id from node n join down d on n.parent_id = d.id)
      select id::text as example from node where id not in (select id from down)`,
  },
  {
    name: 'inventory.edge.endsLive',
    statement: 'A live edge ends at nodes that are not retired, on both sides.',
    query: `select e.id::text as example from edge e where e.live and (
        exists (select from edge_end x join node n on n.id = x.node_id where x.edge_id = e.id and n.state = 'retired')
        or (select count(distinct side) from edge_end x where x.edge_id = e.id) < 2)`,
  },
  {
    name: 'inventory.address.heldByRecord',
    statement: 'Every live recorded address that occupies its host holds it, and no ended one does.',
    query: `select a.id::text as example from address a where a.occupies and a.ended_at is null
        and not exists (select from address_hold h where h.address_id = a.id and h.free_at = 'infinity')
      union all
      select h.address_id::text from address_hold h join address a on a.id = h.address_id where a.ended_at is not null or not a.occupies`,
  },
  {
    name: 'inventory.number.heldByRecord',
    statement: 'Every live recorded number that occupies its value holds it, and no ended one does.',
    query: `select m.id::text as example from number m where m.occupies and m.ended_at is null
        and not exists (select from number_hold h where h.number_id = m.id and h.free_at = 'infinity')
      union all
      select h.number_id::text from number_hold h join number m on m.id = h.number_id where m.ended_at is not null or not m.occupies`,
  },
  {
    name: 'inventory.allocation.holdsItsItems',
    statement: 'Every live item for an address or a number has its hold.',
    query: `select i.id::text as example from allocation_item i where i.ended_at is null and (
        (i.what = 'address' and not exists (select from address_hold h where h.item_id = i.id))
        or (i.what = 'number' and not exists (select from number_hold h where h.item_id = i.id)))
        and upper(i.during) > now()`,
  },
  {
    name: 'inventory.allocation.holdsEnd',
    statement: 'No hold outlives its time by more than five minutes: the sweep ends it.',
    query: `select a.id::text as example from allocation a where a.state = 'held' and a.ended_at is null and a.expires_at < now() - interval '5 minutes'`,
  },
  {
    name: 'inventory.addressBlock.underLive',
    statement: 'No live prefix lies under an ended one, and each lies under the longest that holds it.',
    query: `select b.id::text as example from address_block b join address_block p on p.id = b.parent_id where b.ended_at is null and p.ended_at is not null
      union all
      select b.id::text from address_block b where b.ended_at is null and b.parent_id is distinct from (
        select p.id from address_block p where p.space_id = b.space_id and p.cidr >> b.cidr and p.ended_at is null order by masklen(p.cidr) desc limit 1)`,
  },
  {
    name: 'inventory.externalId.namesSomething',
    statement: 'Every external id of a node names a node.',
    query: `select x.source || ' ' || x.external_id as example from external_id x
      where x.resource_type = 'node' and not exists (select from node n where n.id = x.resource_id)`,
  },
  {
    name: 'inventory.quota.countersAreTheLedger',
    statement: 'What the counters of a scope say is what its allocations hold.',
    query: `select coalesce(q.scope_id, h.scope_id)::text || ' ' || coalesce(q.dimension, h.dimension) as example
      from (select * from inventory.quota_use where used > 0) q full join (
        select s.scope_id, i.dimension, sum(i.amount) as held
        from inventory.allocation_item i join inventory.allocation a on a.id = i.allocation_id
        cross join lateral (values (a.tenant_id), (a.project_id), (a.scope_id)) as s(scope_id)
        where i.ended_at is null and s.scope_id is not null and i.dimension is not null group by s.scope_id, i.dimension
      ) h on h.scope_id = q.scope_id and h.dimension = q.dimension
      where q.used is distinct from h.held`,
  },
  {
    name: 'inventory.quota.capsAreTheLimits',
    statement: 'The cap of a counter is the limit that the projection of its scope holds.',
    query: `select q.scope_id::text || ' ' || q.dimension as example from inventory.quota_use q
      left join inventory.scope_view s on s.id = q.scope_id
      left join lateral jsonb_to_recordset(s.limits) as l(dimension text, "limit" bigint) on l.dimension = q.dimension
      where q.cap is distinct from l."limit"`,
  },
  {
    name: 'inventory.capacity.countersAreTheLedger',
    statement: 'What the counter of a node and class says is what allocations hold of it, and what they have booked.',
    query: `select coalesce(c.node_id, h.node_id)::text || ' ' || coalesce(c.class, h.class) as example
      from (select * from inventory.capacity where used + booked > 0) c full join (
        select i.node_id, i.class, coalesce(sum(i.amount) filter (where a.state <> 'booked'), 0) as held, coalesce(sum(i.amount) filter (where a.state = 'booked'), 0) as booked
        from inventory.allocation_item i join inventory.allocation a on a.id = i.allocation_id
        where i.what = 'capacity' and i.ended_at is null group by i.node_id, i.class
      ) h on h.node_id = c.node_id and h.class = c.class
      where c.used is distinct from h.held or c.booked is distinct from h.booked`,
  },
  {
    name: 'inventory.allocationItem.counted',
    statement: 'Every thing that is held counts as something.',
    query: `select id::text as example from inventory.allocation_item where dimension is null and what <> 'rack_units'`,
  },
  {
    name: 'inventory.feed.dense',
    statement: 'Positions in the feed have no gap and no double.',
    query: `select pos::text as example from (select pos, lead(pos) over (order by pos) as next from feed where pos is not null) f where next <> pos + 1`,
  },
];

/** How often one of them is broken now, with ten examples. */
export async function countViolations(db: Database, check: Check): Promise<Invariant> {
  const [row] = await db.unsafe(
    `with broken as materialized (${check.query}) select (select count(*) from broken) as violations,
       coalesce((select array_agg(example) from (select example from broken limit 10) few), '{}') as examples`,
  );
  return {
    name: check.name,
    statement: check.statement,
    violations: Number(row?.['violations'] ?? 0),
    examples: (row?.['examples'] ?? []) as string[],
  };
}

// Reads only, no locks. A walk goes ring by ring, one statement each, so it ends where it has enough; what it meets of edges and nodes
// is asked for by index alone.
import type { Caller } from '@sentral/contracts/contract';
import type { Database } from '@sentral/kernel/database';
import { allocationSeen, walkOf, type Sight } from '../reading.js';

export interface Reached {
  readonly id: string;
  readonly kind: string;
  readonly name: string | null;
  readonly tenantId: string | null;
  readonly by: 'start' | 'contains' | 'depends' | 'backedBy' | 'memberOf' | 'connects' | 'uses';
  readonly viaId: string | null;
}

/**
 * What the nodes of a ring take along: what lies in them, what depends on them or is backed by them (target to source), the groups that
 * they are members of (source to target), and what a cable joins to them, with the device that the far port is a part of.
 */
export async function listHitBy(
  db: Database,
  sight: Sight,
  of: { ring: readonly string[]; limit: number },
): Promise<readonly Reached[]> {
  const q = walkOf(sight);
  const ring = q.value(of.ring);
  const rows = await db.unsafe(
    `with ring (id) as (select unnest(${ring}::uuid[])), joined as (
       select far.node_id, near.node_id as via_id, near.edge_type as by
       from ring join edge_end near on near.node_id = ring.id and near.live
       join edge_end far on far.edge_id = near.edge_id and far.side <> near.side
       join edge d on d.id = near.edge_id
       where (near.edge_type = 'connects' or near.side = case when near.edge_type = 'memberOf' then 'a' else 'b' end) and ${q.sees('edge', 'd')}
     ), hit (id, via_id, by) as (
       select n.id, ring.id, 'contains' from ring, lateral (select n.* from node n where n.parent_id = ring.id offset 0) n
       where n.state <> 'retired' and ${q.seesBelow('n')}
       union all
       select node_id, via_id, by from joined
       union all
       select p.id, joined.node_id, 'connects' from joined join node f on f.id = joined.node_id join kind k on k.key = f.kind and k.category = 'component'
       join node p on p.id = f.parent_id where joined.by = 'connects' and ${q.sees('node', 'p')}
     )
     select distinct on (hit.by = 'connects', hit.id) hit.id, n.kind, n.name, n.tenant_id as "tenantId", hit.by, hit.via_id as "viaId"
     from hit join node n on n.id = hit.id and n.state <> 'retired'
     order by hit.by = 'connects', hit.id, hit.by, hit.via_id limit ${q.value(of.limit)}`,
    q.params,
  );
  return rows as unknown as readonly Reached[];
}

export interface HitBlock {
  readonly id: string;
  readonly spaceId: string;
  readonly cidr: string;
}

/** A prefix with all in it, or what lies at nodes. */
export async function listHitBlocks(
  db: Database,
  sight: Sight,
  of: { within: HitBlock | undefined; nodeIds: readonly string[]; limit: number },
): Promise<readonly HitBlock[]> {
  const q = walkOf(sight);
  q.and('b.ended_at is null');
  q.and(
    of.within === undefined
      ? `b.node_id = any(${q.value(of.nodeIds)}::uuid[])`
      : `b.space_id = ${q.value(of.within.spaceId)}::uuid and b.cidr <<= ${q.value(of.within.cidr)}::cidr`,
  );
  q.and(q.sees('addressBlock', 'b'));
  const rows = await db.unsafe(
    `select b.id, b.space_id as "spaceId", b.cidr::text as cidr from address_block b ${q.where()} order by b.id limit ${q.value(of.limit)}`,
    q.params,
  );
  return rows as unknown as readonly HitBlock[];
}

/** Nodes that have an address of a prefix, or a number of a range. */
export async function listUsers(
  db: Database,
  sight: Sight,
  of: { block: HitBlock | undefined; numbers: HitNumbers | undefined; limit: number },
): Promise<readonly Reached[]> {
  const q = walkOf(sight);
  const users =
    of.block === undefined
      ? `select m.node_id from number m where m.domain_id = ${q.value(of.numbers?.domainId)}::uuid and m.value between ${q.value(of.numbers?.first)}::bigint and ${q.value(of.numbers?.last)}::bigint
           and m.node_id is not null and m.ended_at is null and ${q.sees('number', 'm')}`
      : `select l.node_id from address l where l.space_id = ${q.value(of.block.spaceId)}::uuid
           and l.host between host(network(${q.value(of.block.cidr)}::cidr))::inet and host(broadcast(${q.value(of.block.cidr)}::cidr))::inet
           and l.node_id is not null and l.ended_at is null and ${q.sees('address', 'l')}`;
  const rows = await db.unsafe(
    `select n.id, n.kind, n.name, n.tenant_id as "tenantId", 'uses' as by, null::uuid as "viaId" from node n
     where n.id in (${users}) and n.state <> 'retired' and ${q.sees('node', 'n')} order by n.id limit ${q.value(of.limit)}`,
    q.params,
  );
  return rows as unknown as readonly Reached[];
}

export interface HitNumbers {
  readonly domainId: string;
  readonly first: number;
  readonly last: number;
}

export interface HitAllocation {
  readonly id: string;
  readonly tenantId: string;
  readonly projectId: string | null;
  readonly scopeId: string;
  readonly state: 'held' | 'active' | 'releasing';
  readonly boundTaskId: string | null;
}

export interface HitHolders {
  readonly count: number;
  readonly allocations: readonly HitAllocation[];
  readonly tenantIds: readonly string[];
  readonly projectIds: readonly string[];
  readonly environmentIds: readonly string[];
}

/** Who holds any of it now, each once; one that ran out and that nobody has ended holds nothing. */
export async function findHolders(
  on: Pick<Database, 'unsafe'>,
  caller: Caller,
  of: {
    nodeIds: readonly string[];
    blockIds: readonly string[];
    numbers: HitNumbers | undefined;
    limit: number;
  },
): Promise<HitHolders> {
  const q = walkOf('everything');
  const [nodes, blocks] = [q.value(of.nodeIds), q.value(of.blockIds)];
  const numbers = of.numbers;
  const ids = (column: string): string =>
    `(select coalesce(array_agg(distinct ${column}), '{}') from seen where ${column} is not null)`;
  const [row] = await on.unsafe(
    `with hit as materialized (
       select i.allocation_id as id from allocation_item i where i.node_id = any(${nodes}::uuid[]) and i.ended_at is null and upper(i.during) > now()
       union
       select i.allocation_id from allocation_item i where i.block_id = any(${blocks}::uuid[]) and i.ended_at is null and upper(i.during) > now()
       union
       select i.allocation_id from allocation_item i where i.taken_block_id = any(${blocks}::uuid[]) and i.ended_at is null and upper(i.during) > now()
       ${
         numbers === undefined
           ? ''
           : `union
       select i.allocation_id from number_hold h join allocation_item i on i.id = h.item_id
       where h.domain_id = ${q.value(numbers.domainId)}::uuid and h.value between ${q.value(numbers.first)}::bigint and ${q.value(numbers.last)}::bigint
         and i.ended_at is null and upper(i.during) > now()`
       }
     ), seen as materialized (
       select a.id, a.tenant_id, a.project_id, a.scope_id, a.state, a.bound_task_id from hit join allocation a on a.id = hit.id
       where a.ended_at is null and ${allocationSeen(q, caller, 'a')}
     )
     select (select count(*)::int from seen) as count, ${ids('tenant_id')} as "tenantIds", ${ids('project_id')} as "projectIds", ${ids('scope_id')} as "environmentIds",
       (select coalesce(jsonb_agg(jsonb_build_object('id', id, 'tenantId', tenant_id, 'projectId', project_id, 'scopeId', scope_id, 'state', state, 'boundTaskId', bound_task_id) order by id), '[]')
        from (select * from seen order by id limit ${q.value(of.limit)}) few) as allocations`,
    q.params,
  );
  return row as unknown as HitHolders;
}

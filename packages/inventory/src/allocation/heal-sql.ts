// Reads only: what is to be healed, and what there is of it. The lock order of the healing itself is that of sql.ts.
import type { Database, Tx } from '@sentral/kernel/database';

type Asks = Pick<Database | Tx, 'unsafe'>;

const isGone = `(n.state = 'failed' or n.intent = 'expunged')`;

/** Nodes that are gone, each with its components: by its index, and they are few. */
const goneThings = `node n cross join lateral (select n.id union all select parts_of(n.id)) p (id)`;

interface Stricken {
  readonly id: string;
  readonly version: number;
}

/**
 * Live allocations that hold something of a node that failed or is expunged, in the order of ids. What is held for a task, and what a
 * living resource of the platform stands on, is its task's to move.
 */
export async function listStricken(
  on: Asks,
  { after, limit }: { after: string | null; limit: number },
): Promise<readonly Stricken[]> {
  const rows = await on.unsafe(
    `select distinct a.id, a.version from ${goneThings}
     join allocation_item i on i.node_id = p.id and i.what in ('node', 'capacity') and i.ended_at is null
     join allocation a on a.id = i.allocation_id
     where ${isGone} and a.ended_at is null and coalesce(a.expires_at > now(), true) and not (a.state = 'held' and a.bound_task_id is not null)
       and not exists (select from platform_resource r where r.allocation_id = a.id and r.ended_at is null)
       and ($1::uuid is null or a.id > $1::uuid)
     order by a.id limit $2`,
    [after, limit],
  );
  return rows as unknown as readonly Stricken[];
}

/** Something that is lost: the node that an allocation holds something of, and the host that it is, or is part of. */
export interface Lost {
  readonly nodeId: string;
  readonly hostId: string;
  readonly kind: string;
  /** What the host is like, and the pools that it lies in. */
  readonly traits: readonly string[];
  readonly poolIds: readonly string[];
}

export async function listLost(tx: Tx, allocationId: string): Promise<readonly Lost[]> {
  const rows = await tx.unsafe(
    `select i."nodeId", h.id as "hostId", h.kind, h.traits,
       array(with recursive up (id, parent_id) as (
           select h.id, h.parent_id union all select x.id, x.parent_id from up join node x on x.id = up.parent_id)
         select distinct m.pool_id from up join pool_member m on m.node_id = up.id) as "poolIds"
     from (select distinct node_id as "nodeId" from allocation_item where allocation_id = $1::uuid and what in ('node', 'capacity') and ended_at is null) i
     cross join lateral (
       with recursive part (id, parent_id, category) as (
         select x.id, x.parent_id, k.category from node x join kind k on k.key = x.kind where x.id = i."nodeId"
         union all
         select x.id, x.parent_id, k.category from part join node x on x.id = part.parent_id join kind k on k.key = x.kind where part.category = 'component'
       ) select array_agg(part.id) as ids, (array_agg(part.id) filter (where part.category <> 'component'))[1] as host from part) chain
     join node h on h.id = coalesce(chain.host, i."nodeId")
     where exists (select from node n where n.id = any(chain.ids) and ${isGone})
     order by i."nodeId"`,
    [allocationId],
  );
  return rows as unknown as readonly Lost[];
}

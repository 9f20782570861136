import type { Deps } from '../deps.js';
import { pastOf } from '../past.js';
import type { Asks } from '../reading.js';

const changing = (row: string): string =>
  [
    'state',
    'bound_task_id',
    'ttl_seconds',
    'max_ttl_seconds',
    'on_expiry',
    'starts_at',
    'expires_at',
    'ended_at',
    'notice_seconds',
    'notice_at',
    'noticed_at',
    'failure',
    'flags',
    'labels',
    'policy_version',
    'version',
    'updated_at',
  ]
    .map((column) => `${row}.${column}`)
    .join(', ');

/**
 * What allocations were, found by what never changes of them. Items count from the change that took them to the one that ended them,
 * as the allocation's version of that instant had them.
 */
const relations = (before: string): string => `allocation as not materialized (
    select c.id, c.tenant_id, c.project_id, c.scope_id, c.request_id, c.consumer_service, c.consumer_kind, c.consumer_id, c.created_at, v.*
    from inventory.allocation c cross join lateral (
      select ${changing('c')} where c.updated_at < ${before}
      union all
      select ${changing('p')} from inventory.allocation_past p where p.allocation_id = c.id and p.updated_at < ${before} and p.until_at >= ${before}
    ) v
    where c.created_at < ${before}
  ), allocation_item as not materialized (
    select i.id, i.allocation_id, i.tenant_id, i.ordinal, i.what, i.dimension, i.amount, i.node_id, i.class, i.domain_id, i.number, i.space_id,
      i.block_id, i.address, i.taken_block_id, i.rack_id, i.half_units, i.face, i.during, i.cleaning_seconds,
      coalesce((select p.fence from inventory.allocation_item_past p where p.item_id = i.id and p.until_at >= ${before} order by p.until_at limit 1), i.fence) as fence,
      case when i.released_at <= a.updated_at then i.released_at end as released_at, case when i.ended_at <= a.updated_at then i.ended_at end as ended_at
    from inventory.allocation_item i join allocation a on a.id = i.allocation_id
    where i.taken_at <= a.updated_at
  )`;

/**
 * What turns a connection into one that answers as it would have then: by the rows of that time, and by its clock.
 * @throws Problem invalid-parameter, position-expired
 */
export async function heldThen(deps: Deps, asOf: string | undefined): Promise<(on: Asks) => Asks> {
  if (asOf === undefined) return (on) => on;
  const past = await pastOf(deps.db.platform, asOf);
  return (on) => ({
    unsafe: (text, params = []) => {
      const [before, at] = [`$${params.length + 1}::timestamptz`, `$${params.length + 2}::timestamptz`];
      const then = `with ${relations(before)} ${text.replaceAll('now()', at)}`;
      return on.unsafe(then, [...params, past.before, ...(text.includes('now()') ? [past.at] : [])]);
    },
  });
}

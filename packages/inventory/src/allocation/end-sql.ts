// Lock order and isolation: sql.ts. Of allocations that are locked, the rows, their items and the holds of their values end together.
import { json, type Tx } from '@sentral/kernel/database';
import { allocationColumns, type AllocationRow, type Failure, type ItemRow } from './sql.js';

export type Ending = 'released' | 'expired' | 'failed';

export async function endAllocations(
  tx: Tx,
  ids: readonly string[],
  { state, failure }: { state: Ending; failure?: Failure },
): Promise<readonly AllocationRow[]> {
  const rows = await tx.unsafe(
    `update allocation as a set state = $2, ended_at = case when $2 = 'expired' then a.expires_at else now() end, failure = $3, version = a.version + 1, updated_at = now()
     where a.id = any($1::uuid[]) returning ${allocationColumns}`,
    [ids, state, failure === undefined ? null : json(failure)],
  );
  return rows as unknown as readonly AllocationRow[];
}

/**
 * Ends items and their holds: now, or when their allocation ran out; what was taken rests for the cool-down of its home, and what
 * nobody used is clean.
 */
export async function endItems(tx: Tx, items: readonly Pick<ItemRow, 'id' | 'unused'>[], state: Ending): Promise<void> {
  const ids = items.map(({ id }) => id);
  const unused = items.flatMap((item) => (item.unused ? [item.id] : []));
  await Promise.all([
    tx.sql`
    update allocation_item i set released_at = e.at, ended_at = e.at, during = tstzrange(lower(i.during), greatest(lower(i.during), e.at)),
      cleaning_seconds = case when i.id = any(${unused}::uuid[]) then 0 else i.cleaning_seconds end
    from allocation a, lateral (select case when ${state}::text = 'expired' then a.expires_at else now() end as at) e
    where a.id = i.allocation_id and i.id = any(${ids}::uuid[])`,
    tx.sql`
    update number_hold h set free_at = i.ended_at + make_interval(secs => d.cool_down_seconds)
    from allocation_item i, number_domain d where i.id = any(${ids}::uuid[]) and h.item_id = i.id and d.id = h.domain_id`,
    tx.sql`
    update address_hold h set free_at = i.ended_at + make_interval(secs => s.cool_down_seconds)
    from allocation_item i, address_space s where i.id = any(${ids}::uuid[]) and h.item_id = i.id and s.id = h.space_id`,
  ]);
}

import type { Tx } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
import { itself } from '../change.js';
import type { Deps } from '../deps.js';
import { asStored, recordAllocation } from './events.js';
import { allocationColumns, listItems, type AllocationRow } from './sql.js';

/** How many one transaction tells of. */
const announcedMax = 50;

/** Tells that allocations end soon, each once for each end that it has; one that others are busy with is told of in the next turn. */
export async function announceFew(deps: Deps): Promise<number> {
  return inTransaction(deps.db.app, async (tx) => {
    const rows = await amendNoticed(tx, announcedMax);
    const items = await listItems(
      tx,
      rows.map(({ id }) => id),
    );
    for (const { updatedBefore, ...row } of rows) {
      const before = { ...row, noticedAt: null, version: row.version - 1, updatedAt: updatedBefore };
      const own = items.filter(({ allocationId }) => allocationId === row.id);
      await recordAllocation(tx, row, { event: 'announced', by: itself, before: asStored(before, own) });
    }
    return rows.length;
  });
}

type Noticed = AllocationRow & { readonly updatedBefore: Date };

/** Locks: allocations alone, skipping those that are locked. */
async function amendNoticed(tx: Tx, limit: number): Promise<readonly Noticed[]> {
  const rows = await tx.unsafe(
    `update allocation as a set noticed_at = now(), version = a.version + 1, updated_at = now()
     from (
       select d.id, d.updated_at from allocation d
       where d.notice_at <= now() and d.noticed_at is null and d.ended_at is null and d.state = 'active' and d.expires_at > now()
       order by d.notice_at limit $1 for update skip locked) due
     where a.id = due.id returning ${allocationColumns}, due.updated_at as "updatedBefore"`,
    [limit],
  );
  return rows as unknown as readonly Noticed[];
}

import type { Tx } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
import { itself } from '../change.js';
import type { Deps } from '../deps.js';
import { recordAllocation } from './events.js';
import { allocationColumns, type AllocationRow } from './sql.js';

/** How many one transaction tells of. */
const announcedMax = 50;

/** Tells that allocations end soon, each once for each end that it has; one that others are busy with is told of in the next turn. */
export async function announceFew(deps: Deps): Promise<number> {
  return inTransaction(deps.db.app, async (tx) => {
    const rows = await amendNoticed(tx, announcedMax);
    for (const row of rows) await recordAllocation(tx, row, { event: 'announced', by: itself });
    return rows.length;
  });
}

/** Locks: allocations alone, skipping those that are locked. */
async function amendNoticed(tx: Tx, limit: number): Promise<readonly AllocationRow[]> {
  const rows = await tx.unsafe(
    `update allocation as a set noticed_at = now(), version = a.version + 1, updated_at = now()
     from (
       select d.id from allocation d
       where d.notice_at <= now() and d.noticed_at is null and d.ended_at is null and d.state = 'active' and d.expires_at > now()
       order by d.notice_at limit $1 for update skip locked) due
     where a.id = due.id returning ${allocationColumns}`,
    [limit],
  );
  return rows as unknown as readonly AllocationRow[];
}

import type { Tx } from '@sentral/kernel/database';
import { endTakenBlocks } from './address-sql.js';
import { recordAllocation, recordBlockRemoved } from './events.js';
import { endAllocation } from './sql.js';

/** Ends a locked allocation: what release, the sweeper and a taker's clean-up have in common. */
export async function end(tx: Tx, id: string, how: { state: 'released' | 'expired'; traceparent: string | undefined }) {
  const row = await endAllocation(tx, id, how.state);
  const blocks = await endTakenBlocks(tx, id);
  for (const block of blocks) await recordBlockRemoved(tx, { ...block, tenantId: row.tenantId }, how.traceparent);
  return recordAllocation(tx, row, { event: how.state, traceparent: how.traceparent });
}

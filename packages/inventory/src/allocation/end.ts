import type { Allocation } from '@sentral/contracts/inventory/allocation';
import type { Tx } from '@sentral/kernel/database';
import type { Held } from '../quota/move.js';
import { endTakenBlocks } from './address-sql.js';
import { recordAllocation, recordBlockRemoved } from './events.js';
import { endAllocation, listDimensions } from './sql.js';

export interface Ended {
  readonly seen: Allocation;
  /** What its scopes get back: moved with whatever else the transaction moves, as its last locks. */
  readonly gives: readonly Held[];
}

/** Ends a locked allocation: what release, the sweeper and a taker's clean-up have in common. */
export async function end(
  tx: Tx,
  id: string,
  how: { state: 'released' | 'expired'; traceparent: string | undefined },
): Promise<Ended> {
  const dimensions = await listDimensions(tx, id);
  const row = await endAllocation(tx, id, how.state);
  const blocks = await endTakenBlocks(tx, id);
  for (const block of blocks) await recordBlockRemoved(tx, { ...block, tenantId: row.tenantId }, how.traceparent);
  const { tenantId, projectId, scopeId } = row;
  return {
    seen: await recordAllocation(tx, row, { event: how.state, traceparent: how.traceparent }),
    gives: dimensions.map(({ dimension, units }) => ({ tenantId, projectId, scopeId, dimension, delta: -units })),
  };
}

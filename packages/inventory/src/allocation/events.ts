import type { InventoryEventName } from '@sentral/contracts/inventory-events';
import type { Tx } from '@sentral/kernel/database';
import { record } from '@sentral/kernel/feed';
import { findBlock, toBlock } from '../address-block/sql.js';
import { toAllocation } from './resource.js';
import { listItems, type AllocationRow } from './sql.js';

type ParticipleOf<N extends string, E = InventoryEventName> = E extends `${N}.${infer P}` ? P : never;
/** What the contract lists of an allocation: nothing else can be recorded. */
export type AllocationEvent = ParticipleOf<'allocation'>;

/** One feed row a change of an allocation; public and audit part show it whole, it holds nothing personal. */
export async function recordAllocation(
  tx: Tx,
  row: AllocationRow,
  change: { event: AllocationEvent; traceparent: string | undefined; auditOnly?: readonly object[] },
) {
  const seen = toAllocation({ ...row, overdue: false }, await listItems(tx, [row.id]));
  await record(tx, 'inventory', {
    type: `inventory.allocation.${change.event}`,
    resource: { type: 'inventory.allocation', id: row.id, version: row.version },
    scope: {
      tenantId: row.tenantId,
      ...(row.projectId === null ? {} : { projectId: row.projectId }),
      environmentId: row.scopeId,
    },
    event: seen,
    audit: {
      after: seen,
      ...(change.auditOnly === undefined || change.auditOnly.length === 0 ? {} : { auditOnly: change.auditOnly }),
    },
    ...(change.traceparent === undefined ? {} : { traceparent: change.traceparent }),
  });
  return seen;
}

interface BlockEvent {
  readonly block: { readonly id: string; readonly tenantId: string };
  readonly traceparent: string | undefined;
}

async function recordBlock(tx: Tx, what: 'created' | 'removed', { block, traceparent }: BlockEvent): Promise<void> {
  const row = await findBlock(tx, 'everything', block.id);
  if (row === undefined) throw new Error('a block that was written is not there');
  const seen = toBlock(row);
  await record(tx, 'inventory', {
    type: `inventory.addressBlock.${what}`,
    resource: { type: 'inventory.addressBlock', id: row.id, version: row.version },
    scope: { tenantId: block.tenantId },
    event: seen,
    audit: { after: seen },
    ...(traceparent === undefined ? {} : { traceparent }),
  });
}

export async function recordBlockCreated(tx: Tx, block: BlockEvent['block'], traceparent: string | undefined) {
  await recordBlock(tx, 'created', { block, traceparent });
}

export async function recordBlockRemoved(tx: Tx, block: BlockEvent['block'], traceparent: string | undefined) {
  await recordBlock(tx, 'removed', { block, traceparent });
}

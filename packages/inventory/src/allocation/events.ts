import type { Caller } from '@sentral/contracts/contract';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import type { InventoryEventName } from '@sentral/contracts/inventory-events';
import type { Tx } from '@sentral/kernel/database';
import { findBlock, toBlock } from '../address-block/sql.js';
import { recordChanges } from '../events.js';
import { toAllocation } from './resource.js';
import { listItems, type AllocationRow } from './sql.js';

type ParticipleOf<N extends string, E = InventoryEventName> = E extends `${N}.${infer P}` ? P : never;
/** What the contract lists of an allocation: nothing else can be recorded. */
export type AllocationEvent = ParticipleOf<'allocation'>;

/** One feed row a change of an allocation; public and audit part show it whole, it holds nothing personal. */
export async function recordAllocation(
  tx: Tx,
  row: AllocationRow,
  change: { event: AllocationEvent; by: Caller; before?: Allocation; auditOnly?: readonly object[] },
) {
  const { event, by, before, auditOnly = [] } = change;
  const after = toAllocation({ ...row, overdue: false }, await listItems(tx, [row.id]));
  await recordChanges(tx, by, [
    {
      what: `allocation.${event}`,
      id: row.id,
      version: row.version,
      before: before ?? null,
      after,
      ...(auditOnly.length === 0 ? {} : { auditOnly }),
      scope: {
        tenantId: row.tenantId,
        ...(row.projectId === null ? {} : { projectId: row.projectId }),
        environmentId: row.scopeId,
      },
    },
  ]);
  return after;
}

type Block = { readonly id: string; readonly tenantId: string };

async function recordBlock(
  tx: Tx,
  what: 'created' | 'removed',
  { block, by }: { block: Block; by: Caller },
): Promise<void> {
  const row = await findBlock(tx, 'everything', block.id);
  if (row === undefined) throw new Error('a block that was written is not there');
  const { id, version } = row;
  const scope = { tenantId: block.tenantId };
  await recordChanges(tx, by, [{ what: `addressBlock.${what}`, id, version, after: toBlock(row), scope }]);
}

export const recordBlockCreated = (tx: Tx, block: Block, by: Caller): Promise<void> =>
  recordBlock(tx, 'created', { block, by });

export const recordBlockRemoved = (tx: Tx, block: Block, by: Caller): Promise<void> =>
  recordBlock(tx, 'removed', { block, by });

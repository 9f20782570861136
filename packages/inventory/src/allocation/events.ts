import type { Caller } from '@sentral/contracts/contract';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import type { InventoryEventName } from '@sentral/contracts/inventory-events';
import type { Tx } from '@sentral/kernel/database';
import { record } from '@sentral/kernel/feed';
import { findBlock, toBlock } from '../address-block/sql.js';
import { schemaName } from '../change.js';
import { feedEvent, recordChanges } from '../events.js';
import { toAllocation } from './resource.js';
import { listItems, only, type AllocationRow, type ItemRow } from './sql.js';

type ParticipleOf<N extends string, E = InventoryEventName> = E extends `${N}.${infer P}` ? P : never;
/** What the contract lists of an allocation: nothing else can be recorded. */
export type AllocationEvent = ParticipleOf<'allocation'>;

interface AllocationChange {
  readonly event: AllocationEvent;
  readonly by: Caller;
  readonly before?: Allocation | undefined;
  readonly auditOnly?: readonly object[];
}

/** One feed row a change of an allocation; public and audit part show it whole, it holds nothing personal. */
export async function recordAllocation(tx: Tx, row: AllocationRow, change: AllocationChange): Promise<Allocation> {
  return only(await recordAllocations(tx, [{ row, ...change }]));
}

/** An allocation as its row says, whether or not its time is over: what a change is recorded from and to. */
export const asStored = (row: AllocationRow, items: readonly ItemRow[]): Allocation =>
  toAllocation({ ...row, overdue: false }, items);

type RowChange = AllocationChange & { readonly row: AllocationRow };

/** Several at once, each by its own caller. */
export async function recordAllocations(tx: Tx, changes: readonly RowChange[]): Promise<readonly Allocation[]> {
  const items = await listItems(
    tx,
    changes.map(({ row }) => row.id),
  );
  const { seen, recorded } = recordWith(tx, changes, items);
  await recorded;
  return seen;
}

/** The same of allocations whose items are at hand: what they look like now is told before the feed rows are written. */
export function recordWith(
  tx: Tx,
  changes: readonly RowChange[],
  items: readonly ItemRow[],
): { readonly seen: readonly Allocation[]; readonly recorded: Promise<void> } {
  const itemsOf = new Map<string, ItemRow[]>(changes.map(({ row }) => [row.id, []]));
  for (const item of items) itemsOf.get(item.allocationId)?.push(item);
  const seen = changes.map(({ row }) => asStored(row, itemsOf.get(row.id) ?? []));
  const recorded = record(
    tx,
    schemaName,
    changes.map(({ row, event, by, before, auditOnly = [] }, at) =>
      feedEvent(by, {
        what: `allocation.${event}`,
        id: row.id,
        version: row.version,
        before: before ?? null,
        after: seen[at] ?? null,
        ...(auditOnly.length === 0 ? {} : { auditOnly }),
        scope: {
          tenantId: row.tenantId,
          ...(row.projectId === null ? {} : { projectId: row.projectId }),
          environmentId: row.scopeId,
        },
      }),
    ),
  );
  return { seen, recorded };
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

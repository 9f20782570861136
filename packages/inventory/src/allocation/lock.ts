import type { Tx } from '@sentral/kernel/database';
import { keyOf, listCapacityKeys, lockCapacity, type CapacityKey, type LockedCapacity } from './capacity-sql.js';
import type { Wanted } from './rules.js';
import {
  listItems,
  listOverdue,
  lockAllocations,
  lockProviders,
  movedOn,
  type AllocationRow,
  type ItemRow,
} from './sql.js';

/** Everything that a transaction touches, locked in the order that allocation/sql.ts writes down. */
export interface Locked {
  readonly counters: ReadonlyMap<string, LockedCapacity>;
  readonly rows: ReadonlyMap<string, AllocationRow>;
  readonly items: ReadonlyMap<string, readonly ItemRow[]>;
  /** Of those, what has run out, in the order of ids. */
  readonly overdue: readonly string[];
}

interface Touched {
  readonly wanted: readonly Wanted[];
  /** Allocations that change. */
  readonly targetIds: readonly string[];
  /** Allocations that consumers of new ones hold. */
  readonly holderIds: readonly string[];
}

export async function lockAll(tx: Tx, { wanted, targetIds, holderIds }: Touched): Promise<Locked> {
  const keys: CapacityKey[] = wanted.flatMap((item) =>
    item.what === 'capacity' ? [{ nodeId: item.providerId, class: item.class }] : [],
  );
  const nodeIds = wanted.filter((item) => item.what === 'node').map((item) => item.providerId);
  const providerIds = [
    ...new Set(wanted.filter((item) => item.what !== 'capacity').map((item) => item.providerId)),
  ].toSorted();
  const overdue = await listOverdue(tx, { providerIds, keys, holderIds });
  const ids = [...new Set([...targetIds, ...overdue])];
  const counters = await lockCapacity(tx, { keys: [...keys, ...(await listCapacityKeys(tx, ids))], nodeIds });
  if (providerIds.length > 0) await lockProviders(tx, providerIds);
  const rows = await lockAllocations(tx, ids);
  const items = ids.length === 0 ? [] : await listItems(tx, ids);
  const unlocked = items.some(
    (item) =>
      item.what === 'capacity' &&
      item.endedAt === null &&
      !counters.has(keyOf({ nodeId: item.nodeId ?? '', class: item.class ?? '' })),
  );
  if (unlocked) throw movedOn;
  return {
    counters,
    rows: new Map(rows.map((row) => [row.id, row])),
    items: new Map(ids.map((id) => [id, items.filter((item) => item.allocationId === id)])),
    overdue: rows.filter((row) => row.overdue && overdue.includes(row.id)).map((row) => row.id),
  };
}

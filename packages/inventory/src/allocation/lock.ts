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
  /** More has run out of what is wanted than one transaction ends. */
  readonly more: boolean;
}

interface Touched {
  readonly wanted: readonly Wanted[];
  /** Allocations that change. */
  readonly targetIds: readonly string[];
  /** Allocations that consumers of new ones hold. */
  readonly holderIds: readonly string[];
  /** Nodes whose offer changes. */
  readonly nodeIds: readonly string[];
}

/** How much of what has run out one transaction ends: each is a handful of statements, behind locks that others wait for. */
export const overdueMax = 50;

/** What a request is about to take of, by the keys of their locks. */
export function thingsOf(wanted: readonly Wanted[]): { keys: readonly CapacityKey[]; providerIds: readonly string[] } {
  const keys = wanted.flatMap((item) =>
    item.what === 'capacity' ? [{ nodeId: item.providerId, class: item.class }] : [],
  );
  const others = wanted.filter((item) => item.what !== 'capacity').map((item) => item.providerId);
  return { keys, providerIds: [...new Set(others)].toSorted() };
}

export async function lockAll(tx: Tx, { wanted, targetIds, holderIds, ...offers }: Touched): Promise<Locked> {
  const { keys, providerIds } = thingsOf(wanted);
  const nodeIds = [...offers.nodeIds, ...wanted.filter(({ what }) => what === 'node').map((item) => item.providerId)];
  const found = await listOverdue(tx, { providerIds, keys, holderIds, limit: overdueMax + 1 });
  const overdue = found.slice(0, overdueMax);
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
    more: found.length > overdueMax,
    overdue: rows.filter((row) => row.overdue && overdue.includes(row.id)).map((row) => row.id),
  };
}

/** The counters as an offer that was changed under their locks leaves them; of what is new among them nobody else knows. */
export const lockCountersAgain = (
  tx: Tx,
  { before, wanted, nodeIds }: { before: Locked; wanted: readonly Wanted[]; nodeIds: readonly string[] },
) => lockCapacity(tx, { keys: [...before.counters.values(), ...thingsOf(wanted).keys], nodeIds });

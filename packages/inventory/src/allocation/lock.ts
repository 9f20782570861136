import type { Tx } from '@sentral/kernel/database';
import { listDue } from './begin-sql.js';
import {
  keyOf,
  listCapacityKeys,
  listLevels,
  lockCapacity,
  type CapacityKey,
  type LockedCapacity,
  type Timeline,
} from './capacity-sql.js';
import { listHeldNodes } from './node-sql.js';
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
  /** What of them is booked and whose window has begun, in the order of ids. */
  readonly due: readonly string[];
  /** The counters over time, where anything of them is booked or wanted for a window. */
  readonly timeline: Timeline | undefined;
  /** More has run out of what is wanted than one transaction ends. */
  readonly more: boolean;
}

interface Touched {
  readonly wanted: readonly Wanted[];
  /** Allocations that change. */
  readonly targetIds: readonly string[];
  /** Allocations that consumers of new ones hold. */
  readonly holderIds: readonly string[];
  /** Allocations whose window is to move. */
  readonly movedIds: readonly string[];
  /** Something is wanted for a window. */
  readonly timed: boolean;
  /** How much of what has run out is ended at most. */
  readonly overdueMax: number;
  /** Nodes whose offer changes. */
  readonly nodeIds: readonly string[];
}

/** How much of what has run out one transaction ends: each is a handful of statements, behind locks that others wait for. */
export const overdueMax = 50;
/** And how many blocks who only tries, and takes it back: what it is told would else not hold. */
export const overdueMaxTried = 2_000;

/** And how many bookings it begins. */
const dueMax = 20;

/** What a request is about to take of, by the keys of their locks. */
export function thingsOf(wanted: readonly Wanted[]): { keys: readonly CapacityKey[]; providerIds: readonly string[] } {
  const keys = wanted.flatMap((item) =>
    item.what === 'capacity' ? [{ nodeId: item.providerId, class: item.class }] : [],
  );
  const others = wanted.filter((item) => item.what !== 'capacity').map((item) => item.providerId);
  return { keys, providerIds: [...new Set(others)].toSorted() };
}

export async function lockAll(
  tx: Tx,
  { wanted, targetIds, holderIds, movedIds, timed, overdueMax: endedMax, ...offers }: Touched,
): Promise<Locked> {
  const { keys, providerIds: asked } = thingsOf(wanted);
  const providerIds = movedIds.length === 0 ? asked : [...new Set([...asked, ...(await listHeldNodes(tx, movedIds))])];
  const nodeIds = [...offers.nodeIds, ...wanted.filter(({ what }) => what === 'node').map((item) => item.providerId)];
  const found = await listOverdue(tx, { providerIds, keys, holderIds, limit: endedMax + 1 });
  const overdue = found.slice(0, endedMax);
  const touched = [...new Set([...targetIds, ...overdue])];
  const counters = await lockCapacity(tx, {
    keys: [...keys, ...(await listCapacityKeys(tx, touched, movedIds))],
    nodeIds,
  });
  const booked = [...counters.values()].filter((counter) => counter.booked > 0);
  const begun = booked.length === 0 ? [] : await listDue(tx, { keys: [...counters.values()], limit: dueMax });
  const ids = [...new Set([...touched, ...begun])];
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
    due: rows.filter((row) => row.due && begun.includes(row.id) && !touched.includes(row.id)).map((row) => row.id),
    timeline: timed || booked.length > 0 ? await listLevels(tx, [...counters.values()]) : undefined,
    more: found.length > endedMax,
    overdue: rows.filter((row) => row.overdue && overdue.includes(row.id)).map((row) => row.id),
  };
}

/** The counters as an offer that was changed under their locks leaves them; of what is new among them nobody else knows. */
export const lockCountersAgain = (
  tx: Tx,
  { before, wanted, nodeIds }: { before: Locked; wanted: readonly Wanted[]; nodeIds: readonly string[] },
) => lockCapacity(tx, { keys: [...before.counters.values(), ...thingsOf(wanted).keys], nodeIds });

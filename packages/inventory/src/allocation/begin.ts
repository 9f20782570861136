import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import type { Tx } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
import { itself } from '../change.js';
import type { Deps } from '../deps.js';
import { moveQuota, type Held } from '../quota/move.js';
import { listNodesToTake } from '../refusal/sql.js';
import { beginAllocation, claimDue } from './begin-sql.js';
import { amendCapacity, keyOf, type CapacityMove, type LockedCapacity } from './capacity-sql.js';
import { endWhole, freed } from './end.js';
import { asStored, recordAllocation } from './events.js';
import type { Locked } from './lock.js';
import { judgeProvider } from './rules.js';
import { amendNodeFence } from './node-sql.js';
import { findAllocation, listItems, listOverdue, type Failure, type ItemRow } from './sql.js';

/** How many bookings one transaction begins: small, so that nobody waits long for its locks. */
const beginMax = 20;

/** From here on the amounts of a booking are used and no longer booked. */
const begunMoves = (items: readonly ItemRow[]): readonly CapacityMove[] =>
  freed(items).flatMap((move) => [move, { ...move, delta: -move.delta, booked: false }]);

/** Begins a locked booking whose counters are locked and have room. */
async function begin(tx: Tx, id: string, how: { items: readonly ItemRow[]; by: Caller }): Promise<Allocation> {
  const before = await findAllocation(tx, id);
  if (before === undefined) throw new Error('a booking that is locked is not there');
  const row = await beginAllocation(tx, id);
  for (const { what, nodeId } of how.items) if (what === 'node' && nodeId !== null) await amendNodeFence(tx, nodeId);
  return recordAllocation(tx, row, { event: 'begun', by: how.by, before: asStored(before, how.items) });
}

/** The first of its counters that has no room any more. */
function lacking(
  items: readonly ItemRow[],
  counters: ReadonlyMap<string, LockedCapacity>,
  moves: readonly CapacityMove[],
): LockedCapacity | undefined {
  for (const { nodeId, class: of } of freed(items)) {
    const counter = counters.get(keyOf({ nodeId, class: of }));
    if (counter === undefined) throw new Error('a counter that a booking begins to use is not locked');
    const own = [...moves, ...begunMoves(items)].filter((move) => keyOf(move) === keyOf(counter) && !move.booked);
    if (own.reduce((sum, move) => sum + move.delta, counter.used) > counter.cap) return counter;
  }
  return undefined;
}

/** What a taker does first for a booking that it has locked: one that is not ready is left to the timer, which knows what to do with it. */
export async function beginIfReady(
  tx: Tx,
  id: string,
  { locked, moves, by }: { locked: Locked; moves: { capacity: readonly CapacityMove[] }; by: Caller },
): Promise<readonly CapacityMove[]> {
  const items = locked.items.get(id) ?? [];
  if (lacking(items, locked.counters, moves.capacity) !== undefined) return [];
  if ((await outOfService(tx, items)) !== undefined) return [];
  await begin(tx, id, { items, by });
  return begunMoves(items);
}

/**
 * Begins bookings whose window has begun, as the world is by then: one for which there is no room any more, since its counter was
 * shrunk, or whose node is out of service fails, tells why and gives its place back. Takers need no timer to be right, and a
 * booking that others are busy with waits for the next turn.
 * @returns how many have begun or failed
 */
export async function beginFew(deps: Deps): Promise<number> {
  return inTransaction(deps.db.app, async (tx) => {
    const { ids, counters } = await claimDue(tx, beginMax);
    const items = ids.length === 0 ? [] : await listItems(tx, ids);
    const moves: CapacityMove[] = [];
    const quota: Held[] = [];
    let done = 0;
    for (const id of ids) {
      const own = items.filter((item) => item.allocationId === id && item.endedAt === null);
      const short = lacking(own, counters, moves);
      // What ran out at the same instant ends first.
      if (short !== undefined && (await isOverdue(tx, short))) continue;
      const failure = short === undefined ? await outOfService(tx, own) : noRoom(short);
      if (failure === undefined) {
        await begin(tx, id, { items: own, by: itself });
        moves.push(...begunMoves(own));
      } else {
        const given = await endWhole(tx, id, { state: 'failed', failure, by: itself });
        moves.push(...given.frees);
        quota.push(...given.gives);
      }
      done += 1;
    }
    await amendCapacity(tx, moves);
    await moveQuota(tx, quota);
    return done;
  });
}

const isOverdue = async (tx: Tx, key: LockedCapacity): Promise<boolean> =>
  (await listOverdue(tx, { providerIds: [], keys: [key], holderIds: [], limit: 1 })).length > 0;

const noRoom = ({ nodeId, class: of, cap }: LockedCapacity): Failure => ({
  code: 'capacity-exhausted',
  detail: `No room is left in the ${cap} of ${of} that ${encodeId('nod', nodeId)} has by now.`,
});

async function outOfService(tx: Tx, items: readonly ItemRow[]): Promise<Failure | undefined> {
  const ids = items.flatMap(({ nodeId }) => nodeId ?? []);
  for (const node of await listNodesToTake(tx, 'everything', ids)) {
    const verdict = judgeProvider(node);
    if (!verdict.ok)
      return { code: 'state-conflict', detail: `${encodeId('nod', node.id)} is ${verdict.state} by now.` };
  }
  return undefined;
}

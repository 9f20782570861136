import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { amountFault } from '../capacity/rules.js';
import { seenIds, sightOf } from '../reading.js';
import { rounded } from '../refusal/rules.js';
import { findClass } from '../resource-class/sql.js';
import { keyOf, netCapacity, type CapacityMove, type LockedCapacity } from './capacity-sql.js';
import { unknownReference } from './refusals.js';
import { judgeProvider, type WantedCapacity } from './rules.js';
import type { Supply } from './supply.js';

/**
 * Whether an amount may be asked of this node at all.
 * @throws Problem reference-not-found | class-not-offered | amount-not-allowed | state-conflict | allocation-conflict
 */
async function counterFor(tx: Tx, wanted: WantedCapacity, supply: Supply): Promise<LockedCapacity> {
  const node = supply.nodes.get(wanted.providerId);
  if (node === undefined) throw unknownReference(wanted.asked, 'nodeId', 'node');
  const nodeId = encodeId('nod', node.id);
  const counter = supply.counters.get(keyOf({ nodeId: node.id, class: wanted.class }));
  if (counter === undefined) {
    if ((await findClass(tx, wanted.class)) === undefined)
      throw unknownReference(wanted.asked, 'class', 'resourceClass');
    throw problem('class-not-offered', { class: wanted.class, providerId: nodeId });
  }
  const fault = amountFault(wanted.amount, counter);
  if (fault !== undefined)
    throw problem('amount-not-allowed', {
      ...fault,
      class: wanted.class,
      providerId: nodeId,
      requested: wanted.amount,
    });
  const verdict = judgeProvider(node);
  if (!verdict.ok)
    throw problem('state-conflict', { nodeId, state: verdict.state, allowedStates: verdict.allowedStates });
  if (supply.heldWhole.has(node.id))
    throw problem(
      'allocation-conflict',
      {
        requested: { nodeId, class: wanted.class, amount: wanted.amount },
        conflicts: [{ value: nodeId }],
        retryable: false,
      },
      'The node is given out as a whole.',
    );
  return counter;
}

/**
 * Whether so much is left of it.
 * @throws Problem what `counterFor` refuses with | capacity-exhausted
 */
export async function judgeAmount(
  tx: Tx,
  caller: Caller,
  { wanted, supply, moves }: { wanted: WantedCapacity; supply: Supply; moves: readonly CapacityMove[] },
): Promise<LockedCapacity> {
  const counter = await counterFor(tx, wanted, supply);
  const free = freeOf(counter, moves);
  if (wanted.amount <= free) return counter;
  const seen = await seenIds(tx, sightOf(caller), { noun: 'node', ids: [wanted.providerId] });
  throw problem('capacity-exhausted', {
    providerId: encodeId('nod', wanted.providerId),
    unit: wanted.class,
    requested: wanted.amount,
    available: seen.has(wanted.providerId) ? Math.max(0, free) : rounded(Math.max(0, free)),
  });
}

/**
 * How much of a counter there still is, with all that the transaction has moved so far. One that was shrunk under its use
 * gives no more than the transaction itself gives back.
 */
function freeOf(counter: LockedCapacity, moves: readonly CapacityMove[]): number {
  const moved = netCapacity(moves).find((move) => keyOf(move) === keyOf(counter))?.delta ?? 0;
  return Math.max(counter.cap, counter.used) - (counter.used + moved);
}

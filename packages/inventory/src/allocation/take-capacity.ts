import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { amountFault } from '../capacity/rules.js';
import { findClass } from '../resource-class/sql.js';
import { keyOf, netCapacity, type CapacityMove, type LockedCapacity } from './capacity-sql.js';
import type { NodeToTake } from './node-sql.js';
import { unknownReference } from './refusals.js';
import { judgeProvider, type WantedCapacity } from './rules.js';

/** What amounts are judged by: the locked counters, what the transaction gives back, and the nodes they lie at. */
export interface Supply {
  readonly counters: ReadonlyMap<string, LockedCapacity>;
  /** Those that may be given to whom it is for. */
  readonly nodes: ReadonlyMap<string, NodeToTake>;
  /** Nodes of which someone has the whole, or the whole of what they are parts of. */
  readonly heldWhole: ReadonlySet<string>;
  /** Nodes of which a component is in use. */
  readonly usedInside: ReadonlySet<string>;
}

/**
 * Whether an amount may be asked of this node at all.
 * @throws Problem reference-not-found | class-not-offered | amount-not-allowed | state-conflict | allocation-conflict
 */
export async function counterFor(tx: Tx, wanted: WantedCapacity, supply: Supply): Promise<LockedCapacity> {
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
 * How much of a counter there still is, with all that the transaction has moved so far. One that was shrunk under its use
 * gives no more than the transaction itself gives back.
 */
export function freeOf(counter: LockedCapacity, moves: readonly CapacityMove[]): number {
  const moved = netCapacity(moves).find((move) => keyOf(move) === keyOf(counter))?.delta ?? 0;
  return Math.max(counter.cap, counter.used) - (counter.used + moved);
}

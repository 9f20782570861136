import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import type { Deps } from '../deps.js';
import { insertCapacityItems, type NewCapacityItem } from './capacity-sql.js';
import type { Locked } from './lock.js';
import { listHeldWhole, lockNodesToTake } from './node-sql.js';
import { inOperation } from './operation.js';
import type { Moves, Taking } from './perform.js';
import { byTaking, type Wanted } from './rules.js';
import { counterFor, freeOf, type Supply } from './take-capacity.js';
import { take, type Taker } from './take.js';

interface All {
  readonly takings: readonly Taking[];
  readonly locked: Locked;
  readonly moves: Moves;
  readonly traceparent: string | undefined;
}

/**
 * Takes for all operations, thing by thing in the one order of taking, whichever asked first.
 * @throws Problem reference-not-found | state-conflict | allocation-conflict | capacity-exhausted | class-not-offered | amount-not-allowed
 */
export async function takeAll(tx: Tx, deps: Deps, { takings, locked, moves, traceparent }: All): Promise<void> {
  const wanted = takings
    .flatMap((taking) => taking.fresh.map((item) => ({ taking, item })))
    .toSorted((a, b) => byTaking(a.item, b.item));
  const supply = await supplyOf(
    tx,
    locked,
    wanted.map(({ item }) => item),
  );
  const amounts: NewCapacityItem[] = [];
  for (const { taking, item } of wanted) {
    const { part, row, firstOrdinal } = taking;
    await inOperation(part.index, async () => {
      const { tenantId, projectId, scopeId } = row;
      let dimension: string;
      let delta = 1;
      if (item.what === 'capacity') {
        const counter = await counterFor(tx, item, { supply, tenantId });
        const free = freeOf(counter, moves.capacity);
        if (item.amount > free)
          throw problem('capacity-exhausted', {
            providerId: encodeId('nod', item.providerId),
            unit: item.class,
            requested: item.amount,
            available: Math.max(0, free),
          });
        const { nodeId, class: of } = counter;
        dimension = counter.dimension;
        delta = item.amount;
        moves.capacity.push({ nodeId, class: of, delta });
        amounts.push({
          id: deps.newId(),
          allocationId: row.id,
          ordinal: firstOrdinal + item.ordinal,
          nodeId,
          class: of,
          amount: delta,
          dimension,
        });
      } else {
        refuseUsedInPart(item, locked, moves);
        const taker: Taker = { tx, allocationId: row.id, tenantId, newId: deps.newId, traceparent, firstOrdinal };
        dimension = await take(taker, item, supply.nodes);
      }
      moves.quota.push({ tenantId, projectId, scopeId, dimension, delta, part });
    });
  }
  await insertCapacityItems(tx, amounts);
}

async function supplyOf(tx: Tx, locked: Locked, wanted: readonly Wanted[]): Promise<Supply> {
  const ids = (what: Wanted['what']) => wanted.filter((item) => item.what === what).map((item) => item.providerId);
  const nodeIds = [...new Set([...ids('node'), ...ids('capacity')])];
  const nodes = nodeIds.length === 0 ? [] : await lockNodesToTake(tx, nodeIds);
  const shared = new Set(ids('capacity'));
  const heldWhole = await listHeldWhole(
    tx,
    nodes.filter((node) => node.allocMode === 'exclusive' && shared.has(node.id)).map((node) => node.id),
  );
  return {
    counters: locked.counters,
    nodes: new Map(nodes.map((node) => [node.id, node])),
    heldWhole: new Set(heldWhole),
  };
}

/** @throws Problem allocation-conflict: of a node that is wanted whole, a part is in use */
function refuseUsedInPart(item: Wanted, locked: Locked, moves: Moves): void {
  if (item.what !== 'node') return;
  for (const counter of locked.counters.values()) {
    if (counter.nodeId !== item.providerId) continue;
    const moved = moves.capacity.filter((move) => move.nodeId === counter.nodeId && move.class === counter.class);
    const used = moved.reduce((sum, move) => sum + move.delta, counter.used);
    if (used <= 0) continue;
    const nodeId = encodeId('nod', item.providerId);
    throw problem(
      'allocation-conflict',
      { requested: { nodeId }, conflicts: [{ value: nodeId, class: counter.class, used }], retryable: false },
      'A part of the node is in use.',
    );
  }
}

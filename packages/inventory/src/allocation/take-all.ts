import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { isProblem, problem, type Problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import type { Deps } from '../deps.js';
import { seenIds, sightOf, takingSight, type Sight } from '../reading.js';
import { rounded } from '../refusal/rules.js';
import { insertCapacityItems, type NewCapacityItem } from './capacity-sql.js';
import type { Span } from './levels.js';
import type { Locked } from './lock.js';
import { listHeldWhole, listUsedInside, listWholesOf, lockNodesToTake } from './node-sql.js';
import { inOperation } from './operation.js';
import type { Moves, Taking } from './perform.js';
import { byTaking, type Wanted } from './rules.js';
import { counterFor, freeOf, inTheWay, takenOf, windowOfRow, type Supply } from './take-capacity.js';
import { movedOn, outrun } from './sql.js';
import { take, type Taker } from './take.js';
import { namedWindow, spanOfWindow, type Window } from './window.js';

interface All {
  readonly takings: readonly Taking[];
  readonly locked: Locked;
  readonly moves: Moves;
}

/**
 * Takes for all operations, thing by thing in the one order of taking, whichever asked first.
 * @throws Problem reference-not-found | state-conflict | allocation-conflict | capacity-exhausted | class-not-offered | amount-not-allowed
 */
export async function takeAll(
  tx: Tx,
  { deps, caller }: { deps: Deps; caller: Caller },
  { takings, locked, moves }: All,
): Promise<void> {
  const wanted = takings
    .flatMap((taking) => taking.fresh.map((item) => ({ taking, item })))
    .toSorted((a, b) => byTaking(a.item, b.item));
  const supplies = await suppliesOf(tx, caller, { takings, locked });
  const amounts: NewCapacityItem[] = [];
  for (const { taking, item } of wanted) {
    const { part, row, firstOrdinal } = taking;
    const taken = inOperation(part.index, async () => {
      const { tenantId, projectId, scopeId } = row;
      const sight = takingSight(caller, tenantId);
      const supply = supplies(tenantId);
      const window = windowOfRow(row);
      const span = spanOfWindow(window, locked.timeline?.nowUs ?? 0);
      let dimension: string;
      let delta = 1;
      if (item.what === 'capacity') {
        const counter = await counterFor(tx, item, { supply, window });
        const free = freeOf(counter, { moves: moves.capacity, timeline: locked.timeline }, span);
        if (item.amount > free) throw await noneLeft(tx, caller, { ...item, free });
        const { nodeId, class: of } = counter;
        dimension = counter.dimension;
        delta = item.amount;
        moves.capacity.push({ nodeId, class: of, delta, booked: row.state === 'booked', span });
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
        refuseUsedInPart(item, supply, { locked, moves, window, span });
        const taker: Taker = {
          tx,
          caller,
          sight,
          window,
          allocationId: row.id,
          tenantId,
          newId: deps.newId,
          firstOrdinal,
        };
        dimension = await ofItem(taking, item, () => take(taker, item, supply.nodes));
      }
      moves.quota.push({ tenantId, projectId, scopeId, dimension, delta, part });
    });
    await ('chosen' in item ? taken.catch(refusedChoice) : taken);
  }
  await insertCapacityItems(tx, amounts);
}

/** More is wanted than is free; of a node that the caller does not see it is told roughly how much that is. */
export async function noneLeft(
  tx: Tx,
  caller: Caller,
  of: { providerId: string; class: string; amount: number; free: number },
): Promise<Problem> {
  const seen = await seenIds(tx, sightOf(caller), { noun: 'node', ids: [of.providerId] });
  const free = Math.max(0, of.free);
  return problem('capacity-exhausted', {
    providerId: encodeId('nod', of.providerId),
    unit: of.class,
    requested: of.amount,
    available: seen.has(of.providerId) ? free : rounded(free),
  });
}

/** What was chosen had room a moment ago: whoever has it now was faster. */
function refusedChoice(error: unknown): never {
  throw isProblem(error) ? outrun(error) : error;
}

/** Things are taken one by one; what is refused is the item that asked for so many of them. */
async function ofItem<R>({ fresh }: Taking, item: Wanted, work: () => Promise<R>): Promise<R> {
  try {
    return await work();
  } catch (error) {
    if (!isProblem(error, 'capacity-exhausted')) throw error;
    const same = fresh.filter((other) => other.asked === item.asked);
    throw problem(error.code, { ...error.facts, requested: same.length, available: same.indexOf(item) }, error.detail);
  }
}

/** One lock of all nodes, in the order of ids; then what of them each tenant may be given. */
async function suppliesOf(
  tx: Tx,
  caller: Caller,
  { takings, locked }: Pick<All, 'takings' | 'locked'>,
): Promise<(tenantId: string) => Supply> {
  const wanted = takings.flatMap(({ fresh }) => fresh);
  const ids = (what: Wanted['what']) => wanted.filter((item) => item.what === what).map((item) => item.providerId);
  const nodeIds = [...new Set([...ids('node'), ...ids('capacity')])];
  const tenants = [...new Set(takings.map(({ row }) => row.tenantId))];
  const sight: Sight = 'all' in caller.readScope ? 'everything' : { tenants, shared: true };
  const above = await listWholesOf(tx, nodeIds);
  const nodes =
    nodeIds.length === 0
      ? []
      : await lockNodesToTake(tx, sight, { ids: nodeIds, above, whole: ids('node').length > 0 });
  // A component that moved before it was locked is part of something that is not.
  if ((await listWholesOf(tx, nodeIds)).some((id) => !above.includes(id))) throw movedOn;
  const shared = new Set(ids('capacity'));
  const heldWhole = await listHeldWhole(tx, {
    inParts: nodes.filter((node) => node.allocMode === 'exclusive' && shared.has(node.id)).map((node) => node.id),
    ids: nodes.map((node) => node.id),
  });
  const usedInside = await listUsedInside(
    tx,
    nodes.filter((node) => ids('node').includes(node.id)).map((node) => node.id),
  );
  const supplies = new Map<string, Supply>();
  for (const tenantId of tenants) {
    // Alone, what the lock saw is what the tenant may be given.
    const seen =
      tenants.length === 1
        ? new Set(nodes.map((node) => node.id))
        : await seenIds(tx, takingSight(caller, tenantId), { noun: 'node', ids: nodes.map((node) => node.id) });
    supplies.set(tenantId, {
      counters: locked.counters,
      nodes: new Map(nodes.filter((node) => seen.has(node.id)).map((node) => [node.id, node])),
      heldWhole,
      usedInside,
    });
  }
  return (tenantId) => {
    const supply = supplies.get(tenantId);
    if (supply === undefined) throw new Error('nothing is taken for this tenant');
    return supply;
  };
}

/** @throws Problem allocation-conflict: of a node that is wanted whole, a part is in use in that time, or it is a part of what is given out whole */
export function refuseUsedInPart(
  item: Pick<Wanted, 'what' | 'providerId'>,
  supply: Pick<Supply, 'heldWhole' | 'usedInside'>,
  { locked, moves, window, span }: { locked: Locked; moves: Moves; window: Window; span: Span },
): void {
  if (item.what !== 'node') return;
  const nodeId = encodeId('nod', item.providerId);
  const refused = (conflict: object, detail: string) =>
    problem(
      'allocation-conflict',
      { requested: { nodeId }, conflicts: [{ value: nodeId, ...conflict }], retryable: false },
      detail,
    );
  for (const counter of locked.counters.values()) {
    if (counter.nodeId !== item.providerId) continue;
    const used = takenOf(counter, { moves: moves.capacity, timeline: locked.timeline }, span);
    if (used > 0) throw refused({ class: counter.class, used }, 'A part of the node is in use.');
  }
  const inside = inTheWay(supply.usedInside, item.providerId, window);
  if (inside !== undefined) throw refused(namedWindow(inside), 'A component of the node is in use.');
  const around = inTheWay(supply.heldWhole, item.providerId, window);
  if (around !== undefined) throw refused(namedWindow(around), 'It is part of what is given out as a whole.');
}

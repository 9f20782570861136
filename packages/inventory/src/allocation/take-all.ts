import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { isProblem, problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import type { Deps } from '../deps.js';
import { takingSight } from '../reading.js';
import { insertCapacityItems, type NewCapacityItem } from './capacity-sql.js';
import type { Span } from './levels.js';
import type { Locked } from './lock.js';
import { inOperation } from './operation.js';
import type { Moves, Taking } from './perform.js';
import { byTaking, type Wanted } from './rules.js';
import { lockNodes, suppliesOf, type Supply } from './supply.js';
import { inTheWay, judgeAmount, takenOf, windowOfRow } from './take-capacity.js';
import { outrun } from './sql.js';
import { take, type Taker } from './take.js';
import { namedWindow, spanOfWindow, withCleaning, type Window } from './window.js';

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
  const asking = wanted.map(({ item }) => ({ caller, item }));
  const supplies = suppliesOf(await lockNodes(tx, asking), locked.counters);
  const amounts: NewCapacityItem[] = [];
  for (const { taking, item } of wanted) {
    const { part, row, firstOrdinal } = taking;
    const taken = inOperation(part.index, async () => {
      const { tenantId, projectId, scopeId } = row;
      const sight = takingSight(caller, tenantId);
      const supply = supplies(caller, tenantId);
      const window = windowOfRow(row);
      const span = spanOfWindow(window, locked.timeline?.nowUs ?? 0);
      let dimension: string;
      let delta = 1;
      if (item.what === 'capacity') {
        const by = { supply, window, moves: moves.capacity, timeline: locked.timeline };
        const counter = await judgeAmount(tx, caller, { wanted: item, ...by });
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
        const cleaned = withCleaning(window, supply.nodes.get(item.providerId)?.cleaningSeconds ?? 0);
        const occupied = { window: cleaned, span: spanOfWindow(cleaned, span.from) };
        refuseUsedInPart(item, supply, { locked, moves, ...occupied });
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

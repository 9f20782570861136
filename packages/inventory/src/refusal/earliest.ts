import type { Tx } from '@sentral/kernel/database';
import { keyOf, listLevels } from '../allocation/capacity-sql.js';
import { earliest, type Wish } from '../allocation/levels.js';
import { listNodeHolders, windowOfHolder } from '../allocation/node-sql.js';
import { spanOfWindow } from '../allocation/window.js';
import type { Draft } from './draft.js';
import type { Nodes } from './nodes.js';
import type { Move } from './request.js';

/** What time alone lifts. */
const passing: ReadonlySet<string> = new Set(['held', 'capacity']);

/**
 * When a request that names nodes and amounts would fit, by what is held and booked; undefined where anything else is in the way.
 * Of counters that the caller does not see it is not told: their levels would be.
 */
export async function earliestAt(
  tx: Tx,
  nodes: Nodes,
  { moves, drafts }: { moves: readonly Move[]; drafts: readonly Draft[] },
): Promise<Date | undefined> {
  const [move] = moves;
  if (move === undefined || moves.length > 1 || move.places.length > 0 || move.gone.length > 0) return undefined;
  const fails = drafts.flatMap(({ candidates }) => candidates.flatMap((each) => each.fails));
  if (drafts.some(({ candidates }) => candidates.length === 0) || fails.some(({ filter }) => !passing.has(filter)))
    return undefined;
  const wish = await wishOf(tx, nodes, move);
  if (wish === undefined) return undefined;
  const { from, until } = spanOfWindow(move.window, wish.nowUs);
  const at = earliest(wish, from, until - from);
  return at === undefined ? undefined : new Date(Math.ceil(at / 1_000));
}

async function wishOf(tx: Tx, nodes: Nodes, { fresh }: Move): Promise<(Wish & { nowUs: number }) | undefined> {
  const counters = [...nodes.counters.values()];
  const { nowUs, steps } = await listLevels(tx, counters);
  const amounts = new Map<string, { cap: number; amount: number }>();
  const whole: string[] = [];
  for (const item of fresh) {
    if (item.what === 'node') whole.push(item.providerId);
    else if (item.what === 'capacity' && nodes.seen.has(item.providerId)) {
      const key = keyOf({ nodeId: item.providerId, class: item.class });
      const cap = nodes.counters.get(key)?.cap ?? 0;
      amounts.set(key, { cap, amount: (amounts.get(key)?.amount ?? 0) + item.amount });
    } else return undefined;
  }
  // Whoever has a node whole leaves it to be cleaned before the next one comes.
  const cleaningUs = (nodeId: string): number =>
    whole.includes(nodeId)
      ? Math.max(0, ...[...nodes.ofTenant.values()].map((of) => of.get(nodeId)?.cleaningSeconds ?? 0)) * 1_000_000
      : 0;
  const named = [...new Set(fresh.map((item) => item.providerId))];
  return {
    nowUs,
    amounts: [...amounts].map(([key, wanted]) => ({ ...wanted, steps: steps.get(key) ?? [] })),
    idle: counters.flatMap((counter) => (whole.includes(counter.nodeId) ? [steps.get(keyOf(counter)) ?? []] : [])),
    busy: [
      ...(await listNodeHolders(tx, named)).map((holder) => ({
        ...spanOfWindow(windowOfHolder(holder), nowUs),
        nodeId: holder.nodeId,
      })),
      ...nodes.entangled,
    ].map(({ nodeId, from, until }) => ({ from: from - cleaningUs(nodeId), until })),
  };
}

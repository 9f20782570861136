import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { amendQuota, listRoom, lockQuota, type CounterRow, type Move } from './sql.js';

/** Units of dimensions that one allocation takes (positive) or gives back. */
export interface Held {
  readonly tenantId: string;
  readonly projectId: string | null;
  readonly scopeId: string;
  readonly dimension: string;
  readonly delta: number;
}

/** The levels of a scope by their rank in the order of locks. */
export const levels = [
  { prefix: 'tnt', column: 'tenant_id' },
  { prefix: 'prj', column: 'project_id' },
  { prefix: 'env', column: 'scope_id' },
] as const;

export const scopeIdOf = (rank: number, uuid: string): string => encodeId(levels[rank]?.prefix ?? 'env', uuid);

/**
 * Moves the counters of all three levels by what a transaction takes and gives back, net, under their locks. The trigger
 * quota_never_grown_over_cap judges last.
 * @throws Problem quota-exceeded
 */
export async function moveQuota(tx: Tx, held: readonly Held[]): Promise<void> {
  const moves = netMoves(held);
  if (moves.length === 0) return;
  judgeQuota(await lockCounters(tx, moves), moves);
  await amendQuota(tx, moves);
}

type Counters = ReadonlyMap<string, CounterRow>;

/** The counters of all that is about to move, by scope and dimension. */
export async function lockCounters(tx: Tx, moves: readonly Move[]): Promise<Counters> {
  if (moves.length === 0) return new Map();
  return new Map((await lockQuota(tx, moves)).map((row) => [`${row.scopeId} ${row.dimension}`, row]));
}

/** @throws Problem quota-exceeded: one that grows would be over its cap, with what has moved before */
export function judgeQuota(counters: Counters, moves: readonly Move[], before: readonly Move[] = []): void {
  for (const move of moves) {
    const row = counters.get(`${move.scopeId} ${move.dimension}`);
    if (move.delta < 0 || row === undefined) continue;
    const earlier = before.find((each) => each.scopeId === move.scopeId && each.dimension === move.dimension);
    refuseOver(move, { ...row, used: row.used + (earlier?.delta ?? 0) });
  }
}

/**
 * The same for who only tries: counters are read and not locked, and what has run out is left out of account.
 * @throws Problem quota-exceeded
 */
export async function expectRoom(tx: Tx, held: readonly Held[]): Promise<void> {
  const moves = netMoves(held).filter(({ delta }) => delta > 0);
  const rooms = await listRoom(
    tx,
    moves.map((move) => ({ ...move, column: levels[move.rank]?.column ?? 'scope_id' })),
  );
  for (const room of rooms) {
    const move = moves.find(({ scopeId, dimension }) => scopeId === room.scopeId && dimension === room.dimension);
    if (move !== undefined) refuseOver(move, room);
  }
}

/** @throws Problem quota-exceeded */
function refuseOver(move: Move, { cap, used }: { cap: number | null; used: number }): void {
  if (cap === null || used + move.delta <= cap) return;
  throw problem('quota-exceeded', {
    dimension: move.dimension,
    limit: cap,
    used,
    requested: move.delta,
    scope: scopeIdOf(move.rank, move.scopeId),
  });
}

/** One move a counter, in the order of locks; what is taken and given back by the same transaction cancels out. */
export function netMoves(held: readonly Held[]): readonly Move[] {
  const sums = new Map<string, Move>();
  for (const { tenantId, projectId, scopeId, dimension, delta } of held) {
    for (const [rank, scope] of [tenantId, projectId, scopeId].entries()) {
      if (scope === null) continue;
      const key = `${scope} ${dimension}`;
      sums.set(key, { scopeId: scope, rank, dimension, delta: (sums.get(key)?.delta ?? 0) + delta });
    }
  }
  return [...sums.values()]
    .filter(({ delta }) => delta !== 0)
    .toSorted((a, b) => a.rank - b.rank || compare(a.scopeId, b.scopeId) || compare(a.dimension, b.dimension));
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

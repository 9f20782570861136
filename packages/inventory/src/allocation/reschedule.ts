import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { drawFences } from './begin-sql.js';
import type { CapacityKey } from './capacity-sql.js';
import { freed } from './end.js';
import type { Locked } from './lock.js';
import { amendNodeFence, listHeldWhole, listNodeHolders, listUsedInside, windowOfHolder } from './node-sql.js';
import type { Operation } from './operation.js';
import type { Moves } from './perform.js';
import { takenNode } from './refusals.js';
import { type AllocationRow, type ItemRow } from './sql.js';
import { moveSpans } from './span-sql.js';
import { refuseUsedInPart } from './take-all.js';
import { freeOf, noneLeft, refuseHeldWhole, windowOfRow } from './take-capacity.js';
import { expectEnd, expectWindow, judgeWindow, overlap, spanOfWindow, withCleaning, type Window } from './window.js';

/** The window that an allocation shall have, and what it is in it. */
export interface Rescheduled extends Window {
  readonly state: 'booked' | 'active';
  readonly noticeSeconds: number | null;
}

/**
 * Where a window moves to: what has begun keeps its start, and what ends may end earlier, later or never.
 * @throws Problem state-conflict | validation-failed
 */
export function rescheduled(
  row: AllocationRow,
  moves: (Operation & { op: 'replace' })['moves'],
  now: Date,
): Rescheduled | undefined {
  if (moves === undefined) return undefined;
  if (row.state === 'held') throw problem('state-conflict', { state: row.state, allowedStates: ['booked', 'active'] });
  const endsAt = moves.endsAt === undefined ? row.expiresAt : moves.endsAt;
  const start = moves.startsAt;
  if (moves.noticeSeconds != null) expectEnd(endsAt);
  const noticeSeconds = moves.noticeSeconds === undefined ? row.noticeSeconds : moves.noticeSeconds;
  if (start !== undefined && start.getTime() !== row.startsAt.getTime()) {
    if (row.state === 'active' || row.due)
      throw problem('state-conflict', { state: 'active', allowedStates: ['booked'] }, 'It has begun.');
    const moved = expectWindow(judgeWindow({ startsAt: start, endsAt }, now));
    return { ...moved, state: moved.startsAt === null ? 'active' : 'booked', noticeSeconds };
  }
  if (row.state === 'active')
    return { ...expectWindow(judgeWindow({ startsAt: null, endsAt }, now)), state: 'active', noticeSeconds };
  const startsAt = row.startsAt;
  expectWindow(judgeWindow({ startsAt: startsAt <= now ? null : startsAt, endsAt }, now));
  return { startsAt, endsAt, state: 'booked', noticeSeconds };
}

/**
 * Holds what stays to the new window of its allocation, whose row has moved already: as if it were given back and taken again.
 * @throws Problem capacity-exhausted | allocation-conflict
 */
export async function keepOn(
  tx: Tx,
  caller: Caller,
  of: { row: AllocationRow; kept: readonly ItemRow[]; locked: Locked; moves: Moves; begins: boolean },
): Promise<void> {
  const { row, kept, locked, moves } = of;
  const window = windowOfRow(row);
  const span = spanOfWindow(window, locked.timeline?.nowUs ?? 0);
  const amounts = freed(kept);
  moves.capacity.push(...amounts);
  const nodeIds = kept.flatMap(({ what, nodeId }) => (what === 'node' && nodeId !== null ? [nodeId] : []));
  const inParts = amounts.map(({ nodeId }) => nodeId);
  const supply = {
    heldWhole: await listHeldWhole(tx, { inParts, ids: [...inParts, ...nodeIds] }),
    usedInside: await listUsedInside(tx, nodeIds),
  };
  for (const move of amounts) {
    const amount = -move.delta;
    const counter = locked.counters.get(`${move.nodeId} ${move.class}`);
    if (counter === undefined) throw new Error('a counter that stays in use is not locked');
    const of: CapacityKey & { amount: number } = { nodeId: move.nodeId, class: move.class, amount };
    refuseHeldWhole(supply.heldWhole, { ...of, providerId: of.nodeId }, window);
    const free = freeOf(counter, { moves: moves.capacity, timeline: locked.timeline }, span);
    if (amount > free) throw await noneLeft(tx, caller, { ...of, providerId: of.nodeId, free });
    moves.capacity.push({ ...move, delta: amount, booked: row.state === 'booked', span });
  }
  const mine = new Set(kept.map(({ id }) => id));
  const occupied = new Map(
    kept.map(({ nodeId, cleaningSeconds }) => [nodeId ?? '', withCleaning(window, cleaningSeconds)]),
  );
  for (const holder of await listNodeHolders(tx, nodeIds)) {
    if (mine.has(holder.itemId) || !overlap(occupied.get(holder.nodeId) ?? window, windowOfHolder(holder))) continue;
    throw takenNode(caller, encodeId('nod', holder.nodeId), holder);
  }
  for (const providerId of nodeIds) {
    const cleaned = occupied.get(providerId) ?? window;
    const over = { window: cleaned, span: spanOfWindow(cleaned, span.from) };
    refuseUsedInPart({ what: 'node', providerId }, supply, { locked, moves, ...over });
  }
  await moveSpans(tx, row.id, row.state === 'booked' || of.begins);
  if (!of.begins) return;
  await drawFences(tx, row.id);
  for (const nodeId of nodeIds) await amendNodeFence(tx, nodeId);
}

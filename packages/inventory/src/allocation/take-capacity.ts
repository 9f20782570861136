import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { problem, type Problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { amountFault } from '../capacity/rules.js';
import { seenIds, sightOf } from '../reading.js';
import { rounded } from '../refusal/rules.js';
import { findClass } from '../resource-class/sql.js';
import { keyOf, type CapacityMove, type LockedCapacity, type Timeline } from './capacity-sql.js';
import { freeOver, peakOver, type Change, type Span, type Step } from './levels.js';
import type { Entangled } from './node-sql.js';
import { unknownReference } from './refusals.js';
import { judgeProvider, type WantedCapacity } from './rules.js';
import type { AllocationRow } from './sql.js';
import type { Supply } from './supply.js';
import { namedWindow, overlap, spanOfWindow, windowOf, type Window } from './window.js';

/**
 * Whether an amount may be asked of this node at all.
 * @throws Problem reference-not-found | class-not-offered | amount-not-allowed | state-conflict | allocation-conflict
 */
async function counterFor(
  tx: Tx,
  wanted: WantedCapacity,
  { supply, window }: { supply: Supply; window: Window },
): Promise<LockedCapacity> {
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
  const verdict = judgeProvider(node, window);
  if (!verdict.ok)
    throw problem('state-conflict', { nodeId, state: verdict.state, allowedStates: verdict.allowedStates });
  refuseHeldWhole(supply.heldWhole, wanted, window);
  return counter;
}

/**
 * Whether so much is left of it all through a window.
 * @throws Problem what `counterFor` refuses with | capacity-exhausted
 */
export async function judgeAmount(
  tx: Tx,
  caller: Caller,
  by: {
    wanted: WantedCapacity;
    supply: Supply;
    window: Window;
    moves: readonly CapacityMove[];
    timeline: Timeline | undefined;
  },
): Promise<LockedCapacity> {
  const { wanted, timeline, window } = by;
  const counter = await counterFor(tx, wanted, by);
  const free = freeOf(counter, by, spanOfWindow(window, timeline?.nowUs ?? 0));
  if (wanted.amount > free) throw await noneLeft(tx, caller, { ...wanted, free });
  return counter;
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

/** The first span in which somebody has what is in the way of a node in a window. */
export function inTheWay(entangled: readonly Entangled[], nodeId: string, window: Window): Window | undefined {
  return entangled
    .filter((held) => held.nodeId === nodeId)
    .map(windowOf)
    .find((held) => overlap(window, held));
}

/** @throws Problem allocation-conflict: somebody has the node whole in that window */
export function refuseHeldWhole(
  heldWhole: Supply['heldWhole'],
  { providerId, class: of, amount }: Pick<WantedCapacity, 'providerId' | 'class' | 'amount'>,
  window: Window,
): void {
  const whole = inTheWay(heldWhole, providerId, window);
  if (whole === undefined) return;
  const nodeId = encodeId('nod', providerId);
  throw problem(
    'allocation-conflict',
    {
      requested: { nodeId, class: of, amount },
      conflicts: [{ value: nodeId, ...namedWindow(whole) }],
      retryable: false,
    },
    'The node is given out as a whole.',
  );
}

/**
 * How much of a counter there still is all through a span, with all that the transaction has moved so far. One that was shrunk
 * under its use gives no more than the transaction itself gives back. While nothing of it is booked, what is used says it all.
 */
export function freeOf(
  counter: Pick<LockedCapacity, 'nodeId' | 'class' | 'cap' | 'used'>,
  { moves, timeline }: { moves: readonly CapacityMove[]; timeline: Timeline | undefined },
  span: Span,
): number {
  const own = moves.filter((move) => keyOf(move) === keyOf(counter));
  if (timeline === undefined)
    return Math.max(counter.cap, counter.used) - own.reduce((sum, move) => sum + move.delta, counter.used);
  return freeOver(counter.cap, changesOf(counter, own, timeline), span);
}

/** The most that is taken of a counter at any instant of a span. */
export function takenOf(
  counter: Pick<LockedCapacity, 'nodeId' | 'class' | 'used'>,
  { moves, timeline }: { moves: readonly CapacityMove[]; timeline: Timeline | undefined },
  span: Span,
): number {
  const own = moves.filter((move) => keyOf(move) === keyOf(counter));
  if (timeline === undefined) return own.reduce((sum, move) => sum + move.delta, counter.used);
  return peakOver(changesOf(counter, own, timeline), span);
}

const changesOf = (
  counter: Pick<LockedCapacity, 'nodeId' | 'class'>,
  own: readonly CapacityMove[],
  { steps }: Timeline,
): { steps: readonly Step[]; changes: readonly Change[] } => ({
  steps: steps.get(keyOf(counter)) ?? [],
  changes: own.map(({ span, delta }) => ({ ...span, delta })),
});

/** When an allocation has what it takes; a hold may be confirmed, so it has no end that others can build on. */
export const windowOfRow = ({ state, startsAt, expiresAt }: AllocationRow): Window => ({
  startsAt: state === 'booked' ? startsAt : null,
  endsAt: state === 'held' ? null : expiresAt,
});

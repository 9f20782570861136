import type { Caller } from '@sentral/contracts/contract';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import { isProblem, problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inChange, itself } from '../change.js';
import type { Deps } from '../deps.js';
import { scrub, type Soiled } from '../node/scrub.js';
import { expectRoom, moveQuota, scopeIdOf, type Held } from '../quota/move.js';
import { untilRoom } from '../quota/room.js';
import { reasoned } from '../refusal/keep.js';
import { goesOver } from '../refusal/rules.js';
import { amendCapacity, type CapacityMove } from './capacity-sql.js';
import { endThings, endWhole, refuseCarrying, type Given } from './end.js';
import { asStored, recordAllocations, type AllocationEvent } from './events.js';
import { choose } from './choose.js';
import { beginIfReady } from './begin.js';
import { lockAll, lockCountersAgain, overdueMax, overdueMaxTried, type Locked } from './lock.js';
import { newAllocation } from './new.js';
import { inOperation, type Operation } from './operation.js';
import { expectNoHolder, partsOf, targetUnderLock, type Part } from './part.js';
import { untilNoneOverdue, type OverdueLeft } from './overdue.js';
import { listWholesOf } from './node-sql.js';
import { judgeReserve, type Judgement } from './policy.js';
import { findNow } from './policy-sql.js';
import { exchange } from './replace-rules.js';
import { keepOn, rescheduled } from './reschedule.js';
import type { Wanted } from './rules.js';
import {
  findNextOrdinal,
  insertAllocations,
  movedOn,
  only,
  wasOutrun,
  type AllocationRow,
  type ItemRow,
} from './sql.js';
import { touchAllocation } from './span-sql.js';
import { takeAll } from './take-all.js';
import { forGood, secondsOf } from './window.js';

/** How often an attempt begins anew because others changed what it had to lock; each time somebody else got through. */
const attempts = 5;
/** And how often because what had been chosen was taken by a faster one; then that one's refusal is the answer. */
const choices = 64;

/** What a transaction changes together with what is held. */
export interface Beside {
  /** Nodes of which all counters are locked, with those of the operations. */
  readonly nodeIds: readonly string[];
  /** Under the locks that come before nodes: takes the later ones, with the nodes that are given back, and writes what takers shall find. What it gives is done once all has moved. */
  readonly prepare: (tx: Tx, wanted: readonly Wanted[], held: readonly string[]) => Promise<() => Promise<void>>;
}

interface Work<R extends object> {
  readonly operations: readonly Operation[];
  readonly answer: (seen: Allocation[]) => R;
  readonly beside?: Beside;
}

/**
 * Takes, replaces and gives back for several holders in one transaction, all or nothing.
 * @throws Problem what allocation.reserve, replace and release refuse with
 */
export const perform = (deps: Deps, caller: Caller, operations: readonly Operation[]) =>
  performBeside(deps, caller, { operations, answer: (items) => ({ items }) });

/** The same for one holder. */
export const performOne = (deps: Deps, caller: Caller, operation: Operation): Promise<Allocation> =>
  performBeside(deps, caller, {
    operations: [operation],
    answer: ([seen]) => {
      if (seen === undefined) throw new Error('an operation that was performed has no answer');
      return seen;
    },
  });

/**
 * The same together with what else changes in the transaction.
 * @throws Problem what allocation.reserve, replace and release refuse with, and what is beside
 */
export async function performBeside<R extends object>(deps: Deps, caller: Caller, work: Work<R>): Promise<R> {
  const { operations, answer, beside } = work;
  for (let tries = 1; ; tries += 1) {
    try {
      const once = (left: OverdueLeft) =>
        inChange(deps, caller, async (tx) =>
          answer(await performIn(tx, { deps, caller, tries, left, beside }, operations)),
        );
      // Who tries ends nothing for others: what has run out is left out of account.
      if (caller.dryRun === true) return await once({ tell: () => undefined });
      return await untilRoom(deps, () => untilNoneOverdue(deps, once));
    } catch (error) {
      if (wasOutrun(error) && tries < choices) continue;
      if (error === movedOn && tries >= attempts) throw problem('overloaded', {});
      // Why there was no room is told by the world as it is, which is not the one that was judged beside a change of it.
      if (error !== movedOn) throw beside === undefined ? await reasoned(deps, caller, { operations, error }) : error;
    }
  }
}

const wantedOf = (operations: readonly Operation[]): readonly Wanted[] =>
  operations.flatMap((operation) => (operation.op === 'release' ? [] : operation.wanted));

/** A part that takes: where its things go. */
export interface Taking {
  readonly part: Part;
  readonly row: AllocationRow;
  readonly judgement: Pick<Judgement, 'auditOnly'>;
  readonly firstOrdinal: number;
  readonly fresh: readonly Wanted[];
}

/** What the transaction has moved so far; written once, at its end. */
export interface Moves {
  readonly quota: (Held & { readonly part?: Part })[];
  readonly capacity: CapacityMove[];
  readonly soiled: Soiled[];
}

/** Gives back inside a transaction of the caller's, which is left as it was while others change what is to be locked. */
export async function releaseIn(tx: Tx, use: { deps: Deps; caller: Caller }, id: string): Promise<void> {
  const operation = { op: 'release', id, version: undefined, fence: undefined } as const;
  for (let tries = 1; ; tries += 1) {
    try {
      // It takes nothing, so nothing that ran out stands in its way.
      await tx.savepoint(() => performIn(tx, { ...use, tries, left: { tell: () => undefined } }, [operation]));
      return;
    } catch (error) {
      if (error !== movedOn) throw error;
      if (tries === attempts) throw problem('overloaded', {});
    }
  }
}

interface Performing {
  readonly deps: Deps;
  readonly caller: Caller;
  readonly tries: number;
  readonly left: OverdueLeft;
  readonly beside?: Beside | undefined;
}

async function performIn(
  tx: Tx,
  { deps, caller, tries, left: overdueLeft, beside }: Performing,
  operations: readonly Operation[],
): Promise<Allocation[]> {
  const found = await partsOf(tx, caller, operations);
  const parts = await choose(
    tx,
    { caller, tries },
    found.filter((part) => part.answer === undefined),
  );
  const wanted = wantedOf(parts.map(({ operation }) => operation));
  const tried = caller.dryRun === true;
  const movedIds = targets(parts, ({ operation }) => operation.op === 'replace' && operation.moves !== undefined);
  const before = await lockAll(tx, {
    wanted,
    nodeIds: beside?.nodeIds ?? [],
    movedIds,
    timed: tried || movedIds.length > 0 || parts.some(({ window }) => window !== undefined),
    // Over time only what is live counts; a block alone stands in the way until it is ended.
    overdueMax: tried && wanted.some(({ what }) => what === 'block') ? overdueMaxTried : overdueMax,
    targetIds: targets(parts, (part) => part.operation.op !== 'create'),
    holderIds: targets(parts, (part) => part.operation.op === 'create'),
  });
  if (before.more) overdueLeft.tell(wanted);
  const completed = await beside?.prepare(tx, wanted, heldIn(before));
  const locked =
    beside === undefined
      ? before
      : { ...before, counters: await lockCountersAgain(tx, { before, wanted, nodeIds: beside.nodeIds }) };
  const moves: Moves = { quota: [], capacity: [], soiled: [] };
  const { traceparent } = caller;
  const ending = traceparent === undefined ? itself : { ...itself, traceparent };
  // What ran out ends first, then what is given back: whoever takes in this transaction finds it free.
  for (const id of locked.overdue) give(moves, await endWhole(tx, id, { state: 'expired', by: ending }));
  for (const id of locked.due) moves.capacity.push(...(await beginIfReady(tx, id, { locked, moves, by: ending })));
  const seen = new Map<Part, Allocation>();
  const backOf = new Map<Part, Back>();
  for (const part of parts)
    await inOperation(part.index, async () => {
      const given = await giveBack(tx, part, { locked, by: caller });
      if (given?.seen !== undefined) seen.set(part, given.seen);
      if (given === undefined) return;
      backOf.set(part, given);
      give(moves, given);
    });

  const left = new Set([...locked.overdue, ...targets(parts, (part) => seen.has(part))]);
  const takings: Taking[] = [];
  for (const part of parts) {
    const { operation, target } = part;
    if (operation.op === 'release') continue;
    takings.push(
      await inOperation(part.index, async () => {
        if (operation.op === 'replace') return replaced(tx, part, { back: backOf.get(part), caller, locked, moves });
        expectNoHolder(caller, operation.command, target === undefined || left.has(target.id) ? undefined : target);
        return created(tx, part);
      }),
    );
  }
  const { soiled } = moves;
  // What is beside has locked its nodes, and counts their versions.
  if (beside === undefined && soiled.length > 0) await scrub(tx, ending, { soiled, beside: await nodesOf(tx, wanted) });
  await takeAll(tx, { deps, caller }, { takings, locked, moves });
  // What ran out and is not ended is still in the counter: who tries is judged by the levels alone.
  if (!tried || beside !== undefined) await amendCapacity(tx, moves.capacity);
  await completed?.();
  if (beside !== undefined) await scrub(tx, ending, { soiled });
  const recorded = await recordAllocations(
    tx,
    takings.map(({ part, row, judgement: { auditOnly } }) => {
      const target = locked.rows.get(row.id);
      const before = target === undefined ? undefined : asStored(target, locked.items.get(row.id) ?? []);
      return { row, event: eventOf(part, row, target), by: caller, before, auditOnly };
    }),
  );
  for (const [at, { part }] of takings.entries()) seen.set(part, recorded[at] as Allocation);
  await countQuota(tx, takings, { quota: moves.quota, tried });
  const answers = parts.map((part) => seen.get(part) as Allocation);
  return found.map((part) => part.answer ?? (answers.shift() as Allocation));
}

function eventOf(
  { operation, window, flags }: Part,
  { state, noticedAt }: AllocationRow,
  target?: AllocationRow,
): AllocationEvent {
  if (operation.op === 'replace') {
    if (operation.heals === true) return flags?.includes('missingResources') === true ? 'impaired' : 'healed';
    if (target?.noticedAt != null && noticedAt === null) return 'withdrawn';
    return operation.keeps ? 'rescheduled' : 'replaced';
  }
  if (state === 'booked' || state === 'held') return state;
  return window === undefined ? 'confirmed' : 'begun';
}

const heldIn = ({ items }: Locked): string[] =>
  [...items.values()].flat().flatMap(({ what, nodeId }) => (what === 'node' && nodeId !== null ? [nodeId] : []));

/** What is locked of nodes by who takes: what is named, and what components are parts of. */
async function nodesOf(tx: Tx, wanted: readonly Wanted[]): Promise<readonly string[]> {
  const ids = wanted.flatMap(({ what, providerId }) => (what === 'node' || what === 'capacity' ? [providerId] : []));
  return [...ids, ...(await listWholesOf(tx, ids))];
}

const targets = (parts: readonly Part[], of: (part: Part) => boolean): string[] =>
  parts.filter(of).flatMap(({ target }) => (target === undefined ? [] : [target.id]));

function give(moves: Moves, { gives, frees, soiled }: Given): void {
  moves.soiled.push(...soiled);
  moves.quota.push(...gives);
  moves.capacity.push(...frees);
}

type Back = Given & {
  readonly seen?: Allocation;
  readonly row?: AllocationRow;
  readonly kept?: readonly ItemRow[];
  readonly fresh?: readonly Wanted[];
};

/** What a release ends, and what a replacement leaves of the old set. */
async function giveBack(tx: Tx, part: Part, { locked, by }: { locked: Locked; by: Caller }): Promise<Back | undefined> {
  const { operation } = part;
  if (operation.op === 'create') return undefined;
  const { row, items } = await targetUnderLock(tx, part, { locked, caller: by });
  if (operation.op === 'release') {
    await refuseCarrying(tx, items);
    return endWhole(tx, row.id, { state: 'released', by });
  }
  const { gone, kept, fresh } = exchange(items, operation);
  await refuseCarrying(tx, gone);
  return { ...(await endThings(tx, row, { items: gone, state: 'released', by })), row, kept, fresh };
}

async function created(tx: Tx, part: Part): Promise<Taking> {
  const { operation, scope, path } = part;
  if (operation.op !== 'create') throw new Error('only a create makes an allocation');
  const { command, wanted } = operation;
  const { window = forGood } = part;
  const windowSeconds = part.window === undefined ? {} : { windowSeconds: secondsOf(window, await findNow(tx)) };
  const judgement = await judgeReserve(tx, path, { command: { ...command, ...windowSeconds }, wanted });
  const row = only(await insertAllocations(tx, [{ ...newAllocation(operation, scope, judgement), ...window }]));
  return { part, row, judgement, firstOrdinal: 0, fresh: wanted };
}

async function replaced(
  tx: Tx,
  part: Part,
  { back, caller, locked, moves }: { back: Back | undefined; caller: Caller; locked: Locked; moves: Moves },
): Promise<Taking> {
  const { operation, path } = part;
  const { row: target, kept = [], fresh = [] } = back ?? {};
  if (operation.op !== 'replace' || target === undefined) throw new Error('only a replace changes an allocation');
  const now = await findNow(tx);
  const window = rescheduled(target, operation.moves, now);
  const { startsAt, endsAt } = window ?? { ...target, endsAt: target.ttlSeconds === null ? target.expiresAt : null };
  const command = {
    labels: target.labels,
    ttlSeconds: target.ttlSeconds ?? undefined,
    maxTtlSeconds: target.maxTtlSeconds ?? undefined,
    ...(endsAt === null ? {} : { windowSeconds: secondsOf({ startsAt: startsAt ?? target.startsAt, endsAt }, now) }),
  };
  const { heals = false } = operation;
  const judgement = heals
    ? { policyVersion: target.policyVersion, auditOnly: [] }
    : await judgeReserve(tx, path, { command, wanted: operation.wanted });
  // Another set of things is the holder's answer to what became of the old one.
  const flags = heals ? [...new Set([...target.flags, ...(part.flags ?? [])])] : operation.keeps ? target.flags : [];
  const row = await touchAllocation(tx, { id: operation.id, policyVersion: judgement.policyVersion, window, flags });
  if (window !== undefined)
    await keepOn(tx, caller, { row, kept, locked, moves, begins: target.state === 'booked' && row.state === 'active' });
  return { part, row, judgement, firstOrdinal: await findNextOrdinal(tx, row.id), fresh };
}

const scopeIdsOf = ({ tenantId, projectId, scopeId }: Held): string[] =>
  [tenantId, projectId, scopeId].flatMap((uuid, rank) => (uuid === null ? [] : [scopeIdOf(rank, uuid)]));

/** In a batch the refusal of a quota names the operation that goes over it, in the order in which they were asked. */
async function countQuota(
  tx: Tx,
  takings: readonly Taking[],
  { quota, tried }: { quota: Moves['quota']; tried: boolean },
): Promise<void> {
  try {
    await (tried ? expectRoom(tx, quota) : moveQuota(tx, quota));
  } catch (error) {
    if (!isProblem(error, 'quota-exceeded') || takings.every(({ part }) => part.index === undefined)) throw error;
    const { dimension, scope, limit, used } = error.facts as {
      dimension: string;
      scope: string;
      limit: number;
      used: number;
    };
    const moves = quota
      .filter((held) => held.dimension === dimension && scopeIdsOf(held).includes(scope))
      .map(({ delta, part }) => ({ delta, operation: part?.index ?? -1 }));
    await inOperation(goesOver({ cap: limit, used }, moves), () => {
      throw error;
    });
  }
}

import type { Caller } from '@sentral/contracts/contract';
import type { Explanation } from '@sentral/contracts/inventory/refusal';
import type { Tx } from '@sentral/kernel/database';
import { effectiveOn, placesOf, violationsOf } from '../allocation/policy.js';
import { byTaking, type Wanted } from '../allocation/rules.js';
import type { Operation } from '../allocation/operation.js';
import { levels, netMoves, scopeIdOf } from '../quota/move.js';
import { listRoom } from '../quota/sql.js';
import { alsoFailing, draftOf, type Draft } from './draft.js';
import { earliestAt } from './earliest.js';
import { judgeCapacity, judgeWhole, readNodes, type Nodes } from './nodes.js';
import { blockedPlaces } from './places.js';
import { movesOf, type Move } from './request.js';
import { blockedItem, blockedOf, goesOver, soleBlockersOf, type Shortfall } from './rules.js';
import { unblocking, type Excess } from './unblock.js';
import { judgeAddresses, judgeBlocks, judgeNumbers, type Values } from './values.js';

/** A refused request as it is explained: where its operations act, and why it is refused. */
export interface Explained {
  readonly moves: readonly Move[];
  readonly explanation: Explanation;
}

/** Each item is a few statements: a larger batch is told its problem alone. One allocation has 64 items at most. */
const itemsMax = 128;

/**
 * Holds a request to every filter, item by item, as if what ran out were ended: not to the first one that refuses, as the taking
 * does. Reads without locks, so what it says is of a moment just after the refusal.
 */
export async function explain(
  tx: Tx,
  caller: Caller,
  operations: readonly Operation[],
): Promise<Explained | undefined> {
  const moves = await movesOf(tx, caller, operations);
  if (moves === undefined || moves.flatMap(({ fresh }) => itemsOf(fresh)).length > itemsMax) return undefined;
  const nodes = await readNodes(tx, caller, moves);
  const things = await judgeThings(tx, caller, { moves, nodes });
  const allowed = await judgePolicies(tx, moves, things);
  const { drafts, excesses } = await judgeQuotas(tx, moves, allowed);
  const inOrder = drafts.toSorted((a, b) => a.move.at - b.move.at || a.item - b.item);
  const blocked = blockedOf(inOrder) as readonly Draft[];
  const places = await blockedPlaces(tx, caller, moves);
  const at = await earliestAt(tx, nodes, { moves, drafts });
  return {
    moves,
    explanation: {
      items: [...blocked.map(blockedItem), ...places].toSorted(
        (a, b) => (a.operationIndex ?? 0) - (b.operationIndex ?? 0) || a.item - b.item,
      ),
      // Of a place it is told item by item: two filters of two items are never one.
      soleBlockers: places.length > 0 ? [] : [...soleBlockersOf(inOrder)],
      unblock: await unblocking(tx, caller, { blocked, excesses }),
      ...(at === undefined ? {} : { earliestAt: at.toISOString() }),
    },
  };
}

/** Items in the order of taking, so that what an earlier one takes is gone for a later one. */
async function judgeThings(
  tx: Tx,
  caller: Caller,
  { moves, nodes }: { moves: readonly Move[]; nodes: Nodes },
): Promise<readonly Draft[]> {
  const drafts = moves
    .flatMap((move) => itemsOf(move.fresh).map((wanted) => draftOf(move, wanted)))
    .toSorted((a, b) => byTaking(first(a), first(b)));
  const given = moves.flatMap(({ gone }) => gone.map((item) => item.id));
  const values: Values = { tx, caller, given, taken: new Map() };
  const judged: Draft[] = [];
  for (const draft of drafts) {
    const wanted = first(draft);
    switch (wanted.what) {
      case 'capacity':
        judged.push(judgeCapacity(nodes, draft, wanted));
        break;
      case 'node':
        judged.push(judgeWhole(nodes, draft));
        break;
      case 'number':
        judged.push(await judgeNumbers(values, draft, wanted));
        break;
      case 'address':
        judged.push(await judgeAddresses(values, draft, wanted));
        break;
      case 'block':
        judged.push(await judgeBlocks(values, draft, wanted));
    }
  }
  return judged;
}

const first = ({ wanted }: Draft): Wanted => wanted[0] as Wanted;

/** Things of one item of the request, together. */
const itemsOf = (fresh: readonly Wanted[]): readonly Wanted[][] =>
  [...new Set(fresh.map(({ asked }) => asked))].map((asked) => fresh.filter((item) => item.asked === asked));

async function judgePolicies(tx: Tx, moves: readonly Move[], drafts: readonly Draft[]): Promise<readonly Draft[]> {
  const effective = new Map<Move, Awaited<ReturnType<typeof effectiveOn>>>();
  for (const move of moves)
    if (move.path.some((scope) => scope.policyBindings.length > 0))
      effective.set(move, await effectiveOn(tx, move.path));
  const judged: Draft[] = [];
  for (const draft of drafts) {
    const policy = effective.get(draft.move);
    const violations =
      policy === undefined ? [] : violationsOf(policy, draft.move.command, await placesOf(tx, draft.wanted));
    const fails = violations.flatMap((each): Shortfall[] =>
      each?.enforced === true
        ? [
            {
              filter: 'policy',
              key: each.facts.key,
              scopeId: each.facts.scope as never,
              ...(each.facts.binding === undefined ? {} : { binding: each.facts.binding }),
            },
          ]
        : [],
    );
    judged.push(alsoFailing(draft, 'policy', fails));
  }
  return judged;
}

/** Limits, net over the request as the counters move; who goes over one is the first operation that the rest has no room for. */
async function judgeQuotas(
  tx: Tx,
  moves: readonly Move[],
  drafts: readonly Draft[],
): Promise<{ drafts: readonly Draft[]; excesses: readonly Excess[] }> {
  const held = [
    ...moves.flatMap(({ gone, scope, at }) =>
      gone.flatMap(({ dimension, amount }) =>
        dimension === null ? [] : [{ ...scope, dimension, delta: -amount, operation: at }],
      ),
    ),
    ...drafts.flatMap(({ move, dimension, wanted }) =>
      dimension === undefined
        ? []
        : [
            {
              ...move.scope,
              dimension,
              delta: wanted.reduce((sum, item) => sum + unitsOf(item), 0),
              operation: move.at,
            },
          ],
    ),
  ];
  const grown = netMoves(held).filter(({ delta }) => delta > 0);
  const rooms = await listRoom(
    tx,
    grown.map((each) => ({ ...each, column: levels[each.rank]?.column ?? 'scope_id' })),
  );
  const excesses: Excess[] = [];
  for (const { scopeId, rank, dimension, delta } of grown) {
    const room = rooms.find((each) => each.scopeId === scopeId && each.dimension === dimension);
    const mine = held.filter((each) => each.dimension === dimension && liesIn(each, scopeId));
    const operation = room === undefined ? undefined : goesOver(room, mine);
    if (room?.cap == null || operation === undefined) continue;
    const { used, cap } = room;
    excesses.push({
      scopeId: scopeIdOf(rank, scopeId),
      uuid: scopeId,
      dimension,
      used,
      limit: cap,
      requested: delta,
      operation,
    });
  }
  const over = (draft: Draft): Shortfall[] =>
    excesses
      .filter(
        (each) =>
          each.dimension === draft.dimension && each.operation <= draft.move.at && liesIn(draft.move.scope, each.uuid),
      )
      .map(({ scopeId, dimension, used, limit, requested }) => ({
        filter: 'quota',
        scopeId: scopeId as never,
        dimension,
        used,
        limit,
        requested,
      }));
  return { drafts: drafts.map((draft) => alsoFailing(draft, 'quota', over(draft))), excesses };
}

const unitsOf = (item: Wanted): number => (item.what === 'capacity' ? item.amount : 1);

const liesIn = (
  { tenantId, projectId, scopeId }: { tenantId: string; projectId: string | null; scopeId: string },
  uuid: string,
): boolean => tenantId === uuid || projectId === uuid || scopeId === uuid;

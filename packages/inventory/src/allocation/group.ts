// Requests of several callers and tenants in one transaction. Lock order and isolation: allocation/sql.ts, over the union of all;
// what they move of quotas is locked before the inserts, since each is decided on what those before it leave.
import type { Caller, ScopeRow } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import type { Tx } from '@sentral/kernel/database';
import { lockScopePaths } from '@sentral/kernel/scopes/view';
import { byKey, inTransaction } from '@sentral/kernel/transaction';
import { schemaName } from '../change.js';
import type { Deps } from '../deps.js';
import { bringForward } from '../projection/bring.js';
import { judgeQuota, lockCounters, netMoves, type Held } from '../quota/move.js';
import { untilRoom } from '../quota/room.js';
import { amendQuota } from '../quota/sql.js';
import { reasoned } from '../refusal/keep.js';
import {
  amendCapacity,
  insertCapacityItems,
  keyOf,
  listLevels,
  lockCapacity,
  type CapacityMove,
  type NewCapacityItem,
} from './capacity-sql.js';
import { listByConsumers } from './consumer-sql.js';
import type { Scope } from './end.js';
import { recordWith } from './events.js';
import { overdueMax, thingsOf } from './lock.js';
import { newAllocation } from './new.js';
import type { Create, Reserve } from './operation.js';
import { endFew } from './overdue.js';
import { expectNoHolder, sameRequest, scopeOf } from './part.js';
import { performOne } from './perform.js';
import { judgeReserve, type Judgement } from './policy.js';
import { byTaking, type Wanted, type WantedCapacity } from './rules.js';
import { findByRequest, insertAllocations, listItems, listOverdue, movedOn, only, type AllocationRow } from './sql.js';
import { lockNodes, suppliesOf } from './supply.js';
import { judgeAmount } from './take-capacity.js';
import { answerRepeated, judgedTogether, judging, storeAnswers, type Verdict } from './verdict.js';
import { forGood, spanOfWindow } from './window.js';

/** One request. No two of a group have the same key, consumer or request (lanes.ts). */
export interface Member {
  readonly caller: Caller;
  readonly operation: Create;
}

/** Whether arithmetic under the locks decides it: amounts that are named, from now on. What is only tried never shares a transaction. */
export const mayJoin = (caller: Caller, { items, hold, startsAt, endsAt }: Reserve): boolean =>
  caller.dryRun !== true &&
  hold !== true &&
  startsAt === undefined &&
  endsAt === undefined &&
  items.every((item) => item.what === 'capacity');

/** Judged in a transaction of its own, as everything is that no group can judge. */
export async function performAlone(deps: Deps, { caller, operation }: Member): Promise<Allocation> {
  await bringForward(deps, caller.scopes);
  return performOne(deps, caller, operation);
}

/**
 * Decides all in the order in which they came, and writes what is granted in one go. What breaks the transaction harms nobody
 * else: each runs alone then.
 * @returns an answer each, once the group is committed; those that take longer keep nobody waiting
 * @throws Problem overloaded | dependency-unavailable: nothing was tried
 */
export function performGroup(deps: Deps, members: readonly Member[]): Promise<readonly Promise<Allocation>[]> {
  return judgedTogether(deps, members, {
    together: () => together(deps, members),
    told: (member, verdict) => told(deps, member, verdict),
    alone: (member) => performAlone(deps, member),
  });
}

/** A full quota is asked again once what ran out is ended; any other refusal stands, and is explained. */
async function told(deps: Deps, { caller, operation }: Member, verdict: Verdict): Promise<Allocation> {
  if ('seen' in verdict) return verdict.seen;
  const { refused } = verdict;
  let again = false;
  try {
    return await untilRoom(deps, () => {
      if (again) return performOne(deps, caller, operation);
      again = true;
      return Promise.reject(refused);
    });
  } catch (error) {
    throw error === refused ? await reasoned(deps, caller, { operations: [operation], error }) : error;
  }
}

/** Told when something among what is to be taken has run out: it is ended first, in transactions of its own. */
const overdueFirst = new Error('something has run out and is to be ended first');
const attempts = 3;

async function together(deps: Deps, members: readonly Member[]): Promise<ReadonlyMap<Member, Verdict>> {
  await bringForward(deps, newestOf(members.flatMap(({ caller }) => caller.scopes)));
  for (let tries = 1; ; tries += 1) {
    try {
      return await inTransaction(deps.db.app, (tx) => decide(tx, deps, members), { settings: byKey });
    } catch (error) {
      if ((error !== overdueFirst && error !== movedOn) || tries === attempts) throw error;
      // Where much has run out each goes on alone: it takes at once if there is room, and ends the rest if there is none.
      if (error === overdueFirst && (await endFew(deps, wantedOf(members))) === overdueMax) throw error;
    }
  }
}

const wantedOf = (members: readonly Member[]): readonly Wanted[] =>
  members.flatMap(({ operation }) => operation.wanted);

function newestOf(rows: readonly ScopeRow[]): readonly ScopeRow[] {
  const newest = new Map<string, ScopeRow>();
  for (const row of rows) if (row.version > (newest.get(row.id)?.version ?? 0)) newest.set(row.id, row);
  return [...newest.values()];
}

/** A request that is not answered yet, with what was found and locked for it. */
interface Open extends Member {
  readonly member: Member;
  readonly scope: Scope;
  readonly path: Parameters<typeof judgeReserve>[1];
}

interface Grant extends Open {
  readonly judgement: Judgement;
}

async function decide(tx: Tx, deps: Deps, members: readonly Member[]): Promise<ReadonlyMap<Member, Verdict>> {
  const verdicts = new Map<Member, Verdict>();
  const judge = judging(verdicts);
  const { keys } = thingsOf(wantedOf(members));
  // One after the other in the order of locks, all on their way at once.
  const [, paths, holders, overdue, counters, nodes] = await Promise.all([
    answerRepeated(tx, members, verdicts),
    lockScopePaths(tx, schemaName, [...new Set(members.map(scopeIdOf))]),
    holdersOf(tx, members),
    listOverdue(tx, { keys, holderIds: [], providerIds: [], limit: 1 }),
    lockCapacity(tx, { keys, nodeIds: [] }),
    lockNodes(
      tx,
      members.flatMap(({ caller, operation }) => operation.wanted.map((item) => ({ caller, item }))),
    ),
  ]);
  if (overdue.length > 0) throw overdueFirst;
  const open: Open[] = [];
  for (const member of members)
    if (!verdicts.has(member))
      await judge(member, async () => {
        const { caller, operation } = member;
        const path = paths.get(scopeIdOf(member)) ?? [];
        const scope = scopeOf(caller, path, scopeIdOf(member));
        const { command, requestId } = operation;
        const earlier =
          command.requestId === undefined ? undefined : await findByRequest(tx, scope.tenantId, requestId);
        if (earlier === undefined) open.push({ member, caller, operation, scope, path });
        else verdicts.set(member, { seen: await sameRequest(tx, caller, { earlier, command }) });
      });
  if (open.some((each) => holders(each)?.overdue === true)) throw overdueFirst;
  const locked = [...counters.values()];
  /** What an amount counts as; nothing where the class is not offered, and then it is refused. */
  const heldBy = ({ scope, operation }: Open): Held[] =>
    amountsOf(operation).flatMap(({ providerId, class: of, amount }) => {
      const counter = counters.get(keyOf({ nodeId: providerId, class: of }));
      return counter === undefined ? [] : [{ ...scope, dimension: counter.dimension, delta: amount }];
    });
  const [timeline, quotas] = await Promise.all([
    // What is taken from now on respects all that is booked.
    locked.some(({ booked }) => booked > 0) ? listLevels(tx, locked) : undefined,
    lockCounters(tx, netMoves(open.flatMap(heldBy))),
  ]);
  const span = spanOfWindow(forGood, timeline?.nowUs ?? 0);
  const supplies = suppliesOf(nodes, counters);

  const grants: Grant[] = [];
  const items: NewCapacityItem[] = [];
  const held: Held[] = [];
  const capped = [...quotas.values()].some(({ cap }) => cap !== null);
  const moveOf = (item: NewCapacityItem) => ({ ...item, delta: item.amount, booked: false, span });
  const taken: CapacityMove[] = [];
  for (const each of open)
    await judge(each.member, async () => {
      const { caller, operation, scope, path } = each;
      const { command, wanted } = operation;
      expectNoHolder(caller, command, holders(each));
      const judgement = await judgeReserve(tx, path, { command, wanted });
      const supply = supplies(caller, scope.tenantId);
      const mine: NewCapacityItem[] = [];
      for (const item of amountsOf(operation)) {
        const moves = mine.length === 0 ? taken : [...taken, ...mine.map(moveOf)];
        const by = { wanted: item, supply, window: forGood, moves, timeline };
        const { nodeId, class: of, dimension } = await judgeAmount(tx, caller, by);
        const { amount, ordinal } = item;
        mine.push({ id: deps.newId(), allocationId: operation.id, ordinal, nodeId, class: of, amount, dimension });
      }
      if (capped) judgeQuota(quotas, netMoves(heldBy(each)), netMoves(held));
      held.push(...heldBy(each));
      items.push(...mine);
      taken.push(...mine.map(moveOf));
      grants.push({ ...each, judgement });
    });
  await write(tx, { grants, items, held, taken, verdicts });
  return verdicts;
}

const scopeIdOf = ({ operation }: Member): string => decodeId('env', operation.command.environmentId);

/** In the order of taking, like everything that is taken. */
const amountsOf = ({ wanted }: Create): readonly WantedCapacity[] =>
  wanted.filter((item) => item.what === 'capacity').toSorted(byTaking);

async function holdersOf(tx: Tx, members: readonly Member[]): Promise<(each: Open) => AllocationRow | undefined> {
  const rows = await listByConsumers(
    tx,
    members.map((member) => ({ scopeId: scopeIdOf(member), consumer: member.operation.command.consumer })),
  );
  const name = (...parts: string[]): string => JSON.stringify(parts);
  const holders = new Map(
    rows.map((row) => [name(row.tenantId, row.consumerService, row.consumerKind, row.consumerId), row]),
  );
  return ({ scope, operation }) => {
    const { service, kind, id } = operation.command.consumer;
    return holders.get(name(scope.tenantId, service, kind, id));
  };
}

/** What is granted, and every answer under its key, in two goes: the feed tells what the first one wrote. */
async function write(
  tx: Tx,
  of: {
    grants: readonly Grant[];
    items: readonly NewCapacityItem[];
    held: readonly Held[];
    taken: readonly CapacityMove[];
    verdicts: Map<Member, Verdict>;
  },
): Promise<void> {
  const { grants, items, held, taken, verdicts } = of;
  if (grants.length === 0) return storeAnswers(tx, verdicts);
  const [rows, , , , written] = await Promise.all([
    insertAllocations(
      tx,
      grants.map(({ operation, scope, judgement }) => newAllocation(operation, scope, judgement)),
    ),
    insertCapacityItems(tx, items),
    amendCapacity(tx, taken),
    amendQuota(tx, netMoves(held)),
    listItems(
      tx,
      grants.map(({ operation }) => operation.id),
    ),
  ]);
  const changes = grants.map(({ caller, judgement }, at) => {
    const row = only(rows.slice(at, at + 1));
    const event = row.state === 'held' ? ('held' as const) : ('confirmed' as const);
    return { row, by: caller, auditOnly: judgement.auditOnly, event };
  });
  const { seen, recorded } = recordWith(tx, changes, written);
  for (const [at, { member }] of grants.entries()) verdicts.set(member, { seen: seen[at] as Allocation });
  await Promise.all([recorded, storeAnswers(tx, verdicts)]);
}

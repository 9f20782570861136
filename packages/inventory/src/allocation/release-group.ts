// Releases of several callers and tenants in one transaction. Lock order and isolation: allocation/sql.ts, over the union of all.
import type { Caller } from '@sentral/contracts/contract';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import { problem } from '@sentral/contracts/problem';
import type { Database, Tx } from '@sentral/kernel/database';
import { byKey, inTransaction } from '@sentral/kernel/transaction';
import type { Deps } from '../deps.js';
import { lockCounters, netMoves } from '../quota/move.js';
import { amendQuota } from '../quota/sql.js';
import { seesAllocation } from '../reading.js';
import { amendCapacity, keyOf, lockCapacity, type CapacityKey } from './capacity-sql.js';
import { givenBack } from './end.js';
import { asStored, recordWith } from './events.js';
import type { Release } from './operation.js';
import { targetUnderLock } from './part.js';
import { performOne } from './perform.js';
import { endAllocations, endItems } from './end-sql.js';
import { listItems, lockAllocations, movedOn, type AllocationRow, type ItemRow } from './sql.js';
import { answerRepeated, judgedTogether, judging, storeAnswers, type Verdict } from './verdict.js';

/** One release. No two of a group have the same key or allocation (lanes.ts). */
export interface Leaving {
  readonly caller: Caller;
  readonly operation: Release;
  /** What it holds, as it was seen before the locks. */
  readonly keys: readonly CapacityKey[];
}

/** The counters that an allocation holds of; nothing where it holds something else, or nothing at all. */
export async function heldKeys(on: Database, id: string): Promise<readonly CapacityKey[] | undefined> {
  const rows = await on.sql<{ what: string } & CapacityKey>`
    select what, node_id as "nodeId", class from allocation_item where allocation_id = ${id}::uuid and ended_at is null`;
  return rows.length > 0 && rows.every(({ what }) => what === 'capacity') ? rows : undefined;
}

/**
 * Ends all in one go.
 * @returns an answer each, once the group is committed
 * @throws Problem overloaded | dependency-unavailable: nothing was tried
 */
export function releaseGroup(deps: Deps, members: readonly Leaving[]): Promise<readonly Promise<Allocation>[]> {
  return judgedTogether(deps, members, {
    together: () => inTransaction(deps.db.app, (tx) => decide(tx, members), { settings: byKey }),
    told: async (_, verdict) => {
      if ('refused' in verdict) throw verdict.refused;
      return verdict.seen;
    },
    alone: ({ caller, operation }) => performOne(deps, caller, operation),
  });
}

interface Ended {
  readonly member: Leaving;
  readonly row: AllocationRow;
  readonly items: readonly ItemRow[];
}

async function decide(tx: Tx, members: readonly Leaving[]): Promise<ReadonlyMap<Leaving, Verdict>> {
  const verdicts = new Map<Leaving, Verdict>();
  const judge = judging(verdicts);
  const ids = members.map(({ operation }) => operation.id);
  const [, counters, rows, items] = await Promise.all([
    answerRepeated(tx, members, verdicts),
    lockCapacity(tx, { keys: members.flatMap(({ keys }) => keys), nodeIds: [] }),
    lockAllocations(tx, ids),
    listItems(tx, ids),
  ]);
  const unlocked = ({ what, nodeId, class: of, endedAt }: ItemRow): boolean =>
    endedAt === null && (what !== 'capacity' || !counters.has(keyOf({ nodeId: nodeId ?? '', class: of ?? '' })));
  if (items.some(unlocked)) throw movedOn;
  const locked = {
    rows: new Map(rows.map((row) => [row.id, row])),
    items: new Map(ids.map((id) => [id, items.filter(({ allocationId }) => allocationId === id)])),
  };
  const ended: Ended[] = [];
  // They take nothing, so none has to wait for what another leaves.
  await Promise.all(
    members
      .filter((member) => !verdicts.has(member))
      .map((member) =>
        judge(member, async () => {
          const { caller, operation } = member;
          const target = locked.rows.get(operation.id);
          if (target === undefined || !seesAllocation(caller, target))
            throw problem('not-found', { resourceType: 'allocation' });
          ended.push({ member, ...(await targetUnderLock(tx, { operation, target }, { locked, caller })) });
        }),
      ),
  );
  await write(tx, ended, verdicts);
  return verdicts;
}

async function write(tx: Tx, ended: readonly Ended[], verdicts: Map<Leaving, Verdict>): Promise<void> {
  if (ended.length === 0) return storeAnswers(tx, verdicts);
  const ids = ended.map(({ row }) => row.id);
  const given = ended.map(({ row, items }) => givenBack(row, items));
  const moves = netMoves(given.flatMap(({ gives }) => gives));
  const [rows, , , items] = await Promise.all([
    endAllocations(tx, ids, { state: 'released' }),
    endItems(
      tx,
      ended.flatMap((each) => each.items),
      'released',
    ),
    amendCapacity(
      tx,
      given.flatMap(({ frees }) => frees),
    ),
    listItems(tx, ids),
    lockCounters(tx, moves),
  ]);
  const after = new Map(rows.map((row) => [row.id, row]));
  const changes = ended.map(({ member, row, items: before }) => ({
    row: after.get(row.id) ?? row,
    by: member.caller,
    before: asStored(row, before),
    event: 'released' as const,
  }));
  const { seen, recorded } = recordWith(tx, changes, items);
  for (const [at, { member }] of ended.entries()) verdicts.set(member, { seen: seen[at] as Allocation });
  await Promise.all([recorded, amendQuota(tx, moves), storeAnswers(tx, verdicts)]);
}

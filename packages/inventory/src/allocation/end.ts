import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import type { Soiled } from '../node/scrub.js';
import type { Held } from '../quota/move.js';
import { endTakenBlocks, listDependents } from './address-sql.js';
import { amendCapacity, type CapacityMove } from './capacity-sql.js';
import { asStored, recordAllocation, recordBlockRemoved } from './events.js';
import { endAllocations, endItems, type Ending } from './end-sql.js';
import { findAllocation, listItems, only, type AllocationRow, type Failure, type ItemRow } from './sql.js';

/** What ended items give back: moved with whatever else the transaction moves, as its last locks. */
export interface Given {
  readonly gives: readonly Held[];
  readonly frees: readonly CapacityMove[];
  /** Nodes that were used: to be scrubbed by whoever ends them, once nodes are locked. */
  readonly soiled: readonly Soiled[];
}

export type Scope = Pick<AllocationRow, 'tenantId' | 'projectId' | 'scopeId'>;

/** Ends items of a locked allocation, with the blocks that they became. */
export async function endThings(
  tx: Tx,
  { tenantId, projectId, scopeId, onExpiry }: Scope & Pick<AllocationRow, 'onExpiry'>,
  ended: { items: readonly ItemRow[]; state: Ending; by: Caller },
): Promise<Given> {
  const { items } = ended;
  const ids = items.map((item) => item.id);
  if (ids.length === 0) return { gives: [], frees: [], soiled: [] };
  await endItems(tx, items, ended.state);
  if (items.some((item) => item.what === 'block')) {
    for (const block of await endTakenBlocks(tx, ids)) await recordBlockRemoved(tx, { ...block, tenantId }, ended.by);
  }
  const quarantine = ended.state === 'expired' && onExpiry === 'quarantine';
  return {
    ...givenBack({ tenantId, projectId, scopeId }, items),
    soiled: items.flatMap(({ what, nodeId, unused }) =>
      what === 'node' && nodeId !== null && (quarantine || !unused) ? [{ nodeId, quarantine }] : [],
    ),
  };
}

/** What goes back to counters and quotas. */
export const givenBack = (
  { tenantId, projectId, scopeId }: Scope,
  items: readonly ItemRow[],
): Omit<Given, 'soiled'> => ({
  gives: items.flatMap(({ dimension, amount }) =>
    dimension === null ? [] : [{ tenantId, projectId, scopeId, dimension, delta: -amount }],
  ),
  frees: freed(items),
});

/** What items give back to their counters. */
export const freed = (items: readonly ItemRow[]): CapacityMove[] =>
  items.flatMap((item) =>
    item.what === 'capacity' && item.nodeId !== null && item.class !== null
      ? [{ nodeId: item.nodeId, class: item.class, delta: -item.amount, booked: item.booked, span: spanOf(item) }]
      : [],
  );

export const spanOf = ({ fromUs, untilUs }: Pick<ItemRow, 'fromUs' | 'untilUs'>) => ({
  from: fromUs,
  until: untilUs ?? Infinity,
});

/** Ends a locked allocation as a whole. */
export async function endWhole(
  tx: Tx,
  id: string,
  how: { state: Ending; by: Caller; failure?: Failure },
): Promise<Given & { seen: Allocation }> {
  const [before, items] = await Promise.all([findAllocation(tx, id), listItems(tx, [id])]);
  if (before === undefined) throw new Error('an allocation that is locked is not there');
  const row = only(await endAllocations(tx, [id], how));
  const given = await endThings(tx, row, { items, ...how });
  return {
    ...given,
    seen: await recordAllocation(tx, row, { event: how.state, by: how.by, before: asStored(before, items) }),
  };
}

/** Ends a locked allocation whose counters are locked too, and gives them back; quotas and nodes are the caller's to move. */
export async function end(
  tx: Tx,
  id: string,
  how: { state: 'released' | 'expired'; by: Caller },
): Promise<Omit<Given, 'frees'> & { seen: Allocation }> {
  const { frees, ...given } = await endWhole(tx, id, how);
  await amendCapacity(tx, frees);
  return given;
}

/**
 * Blocks that carry blocks of their own cannot end under them.
 * @throws Problem has-dependents
 */
export async function refuseCarrying(tx: Tx, items: readonly ItemRow[]): Promise<void> {
  const blocks = items.filter((item) => item.what === 'block').map((item) => item.id);
  if (blocks.length === 0) return;
  const dependents = await listDependents(tx, blocks);
  if (dependents.length === 0) return;
  const ids = dependents.map((block) => encodeId('blk', block.id));
  throw problem('has-dependents', { dependents: [{ type: 'addressBlock', count: ids.length, ids }] });
}

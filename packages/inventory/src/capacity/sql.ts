// Lock order: who edits an offer has the name of its node first; then capacity rows by node and class, then the node. A taker
// (allocation/sql.ts) goes the same way from the rows on.
// READ COMMITTED: what is decided under the lock is decided on the newest row.
import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import type { Capacity, CapacityInput } from '@sentral/contracts/inventory/capacity';
import type { Database, Tx } from '@sentral/kernel/database';
import { lockName } from '@sentral/kernel/lease';
import { query } from '@sentral/kernel/page';
import { allocationSeen, rowsOf, type Sight } from '../reading.js';
import { capOf } from './rules.js';

export interface CapacityRow extends CapacityInput {
  readonly nodeId: string;
  readonly cap: number;
  readonly used: number;
  readonly booked: number;
  readonly overBy: number;
  readonly useVersion: number;
}

const capacityColumns = `c.node_id as "nodeId", c.class, c.total, c.held_back as "heldBack", c.overcommit_pct as "overcommitPct",
  c.min_unit as "minUnit", c.max_unit as "maxUnit", c.step, c.cap, c.used, c.booked, c.over_by as "overBy", c.use_version as "useVersion"`;

export const selectCapacity = `select ${capacityColumns} from capacity c`;

/** What a node offers, with the node's version; undefined where the node is not seen. In one statement, since this is read most. */
export async function findOffers(
  db: Database | Tx,
  sight: Sight,
  nodeId: string,
): Promise<{ version: number; rows: readonly CapacityRow[] } | undefined> {
  const q = rowsOf('node', sight, [nodeId]);
  const found = (await db.unsafe(
    `select n.version as "nodeVersion", ${capacityColumns} from node n left join capacity c on c.node_id = n.id ${q.where()} order by c.class`,
    q.params,
  )) as unknown as readonly (CapacityRow & { nodeVersion: number })[];
  const [first] = found;
  // A node that offers nothing has one row without a class.
  return first && { version: first.nodeVersion, rows: first.nodeId === null ? [] : found };
}

export async function listCapacities(db: Database | Tx, nodeId: string): Promise<readonly CapacityRow[]> {
  const rows = await db.unsafe(`${selectCapacity} where c.node_id = $1 order by c.class`, [nodeId]);
  return rows as unknown as readonly CapacityRow[];
}

/** One at a time edits what a node offers: a class that is not there yet has no row to wait for. */
export const lockOffer = (tx: Tx, nodeId: string): Promise<void> => lockName(tx, 'inventory', `offer ${nodeId}`);

/** For update: nobody takes or gives back while the offer changes, and a removed row is nobody's to wait for. */
export async function lockCapacities(tx: Tx, nodeId: string): Promise<readonly CapacityRow[]> {
  const rows = await tx.unsafe(`${selectCapacity} where c.node_id = $1 order by c.class for update`, [nodeId]);
  return rows as unknown as readonly CapacityRow[];
}

export async function insertCapacity(tx: Tx, nodeId: string, offer: CapacityInput): Promise<void> {
  await tx.sql`
    insert into capacity (node_id, class, total, held_back, overcommit_pct, min_unit, max_unit, step, cap)
    values (${nodeId}, ${offer.class}, ${offer.total}, ${offer.heldBack}, ${offer.overcommitPct}, ${offer.minUnit}, ${offer.maxUnit}, ${offer.step}, ${capOf(offer)})`;
}

/** Less than what is used is no refusal: the overhang is written down, and nothing grows until it is gone. */
export async function amendCapacityRow(tx: Tx, nodeId: string, offer: CapacityInput): Promise<void> {
  const cap = capOf(offer);
  await tx.sql`
    update capacity set total = ${offer.total}, held_back = ${offer.heldBack}, overcommit_pct = ${offer.overcommitPct}, min_unit = ${offer.minUnit},
      max_unit = ${offer.maxUnit}, step = ${offer.step}, cap = ${cap}, over_by = greatest(0, used - ${cap}::bigint)
    where node_id = ${nodeId} and class = ${offer.class}`;
}

/** How often it was taken from stays with the node. */
export async function removeCapacityRow(tx: Tx, row: CapacityRow): Promise<void> {
  await tx.sql`delete from capacity where node_id = ${row.nodeId} and class = ${row.class}`;
  if (row.useVersion === 0) return;
  await tx.sql`
    insert into provider_use as u (provider_id, use_version) values (${row.nodeId}, ${row.useVersion})
    on conflict (provider_id) do update set use_version = u.use_version + excluded.use_version`;
}

/** Who of those that the caller sees uses a class of a node, twenty of them; what ran out and nobody has swept counts as the counter counts it. */
export async function listHolders(
  tx: Tx,
  caller: Caller,
  of: { nodeId: string; class: string },
): Promise<readonly { id: string; count: number }[]> {
  const q = query();
  q.and(`i.node_id = ${q.value(of.nodeId)}::uuid and i.class = ${q.value(of.class)}`);
  q.and(`i.what = 'capacity' and i.ended_at is null and ${allocationSeen(q, caller, 'a')}`);
  const rows = await tx.unsafe(
    `select a.id::text as id, count(*) over ()::int as count from allocation_item i join allocation a on a.id = i.allocation_id
     ${q.where()} group by a.id order by a.id limit 20`,
    q.params,
  );
  return rows as unknown as readonly { id: string; count: number }[];
}

/** The node's version moves with its offer. */
export async function touchNode(tx: Tx, nodeId: string): Promise<void> {
  await tx.sql`update node set version = version + 1, updated_at = now() where id = ${nodeId}`;
}

export function toCapacity(row: CapacityRow, version: number): Capacity {
  const { nodeId, ...same } = row;
  return {
    type: 'capacity',
    nodeId: encodeId('nod', nodeId),
    version,
    ...same,
    free: Math.max(0, row.cap - row.used),
  };
}

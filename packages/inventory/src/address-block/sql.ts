// Lock order: the space (SHARE by foreign key), then blocks by id: the parent before what it is to hold. Adding and removing
// blocks of one space go one after the other under its advisory lock, since who is whose parent depends on all of them.
import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import type { AddressBlock } from '@sentral/contracts/inventory/address-block';
import { json, type Database, type Tx } from '@sentral/kernel/database';
import { externalIdsOf } from '../external-id/sql.js';
import { allocationSeen, rowsOf, sightOf, walkOf, type Asks, type Sight } from '../reading.js';

export interface BlockRow {
  readonly id: string;
  readonly spaceId: string;
  readonly parentId: string | null;
  readonly cidr: string;
  readonly isPool: boolean;
  readonly markUtilized: boolean;
  readonly status: string;
  readonly attributes: Record<string, unknown>;
  readonly nodeId: string | null;
  readonly tenantId: string | null;
  readonly externalIds: { source: string; externalId: string }[];
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly endedAt: Date | null;
}

export const selectBlock = `select b.id, b.space_id as "spaceId", b.parent_id as "parentId", b.cidr::text as cidr, b.is_pool as "isPool",
  b.mark_utilized as "markUtilized", b.status, b.attributes, b.node_id as "nodeId", b.tenant_id as "tenantId",
  ${externalIdsOf('b.id')}, b.version, b.created_at as "createdAt", b.updated_at as "updatedAt",
  b.ended_at as "endedAt" from address_block b`;

export async function findBlock(db: Asks, sight: Sight, id: string): Promise<BlockRow | undefined> {
  const q = rowsOf('addressBlock', sight, [id]);
  const [row] = await db.unsafe(`${selectBlock} ${q.where()}`, q.params);
  return row as BlockRow | undefined;
}

/** The tree of a space is changed by one at a time. */
export async function lockSpaceTree(tx: Tx, spaceId: string): Promise<void> {
  await tx.sql`select pg_advisory_xact_lock(hashtext('inventory.address_block'), hashtext(${spaceId}))`;
}

export async function lockBlocks(tx: Tx, sight: Sight, ids: readonly string[]): Promise<readonly BlockRow[]> {
  const q = rowsOf('addressBlock', sight, ids);
  await tx.unsafe(`select b.id from address_block b ${q.where()} order by b.id for no key update of b`, q.params);
  return (await tx.unsafe(`${selectBlock} ${q.where()} order by b.id`, q.params)) as unknown as readonly BlockRow[];
}

/** The longest live prefix of the space that strictly holds this one. */
export async function findHolder(
  tx: Tx,
  spaceId: string,
  cidr: string,
): Promise<{ id: string; cidr: string } | undefined> {
  const [row] = await tx.sql<{ id: string; cidr: string }>`
    select id, cidr::text as cidr from address_block
    where space_id = ${spaceId} and cidr >> ${cidr}::cidr and ended_at is null
    order by masklen(cidr) desc limit 1`;
  return row;
}

/** What lies under the same parent now and inside the new prefix: it becomes its child. */
export async function listToAdopt(
  tx: Tx,
  of: { spaceId: string; parentId: string | null; cidr: string },
): Promise<readonly BlockRow[]> {
  const rows = await tx.unsafe(
    `${selectBlock} where b.space_id = $1 and b.parent_id is not distinct from $2::uuid and b.cidr << $3::cidr and b.ended_at is null order by b.id`,
    [of.spaceId, of.parentId, of.cidr],
  );
  return rows as unknown as readonly BlockRow[];
}

export interface NewBlock {
  readonly id: string;
  readonly spaceId: string;
  readonly parent: { readonly id: string; readonly cidr: string } | undefined;
  readonly cidr: string;
  readonly isPool: boolean;
  readonly markUtilized: boolean;
  readonly status: string;
  readonly attributes: unknown;
  readonly nodeId: string | null;
}

export async function insertBlock(tx: Tx, block: NewBlock): Promise<void> {
  await tx.sql`
    insert into address_block (id, space_id, parent_id, parent_cidr, cidr, is_pool, mark_utilized, status, attributes, node_id)
    values (${block.id}, ${block.spaceId}, ${block.parent?.id ?? null}, ${block.parent?.cidr ?? null}::cidr, ${block.cidr}::cidr, ${block.isPool},
      ${block.markUtilized}, ${block.status}, ${json(block.attributes)}, ${block.nodeId})`;
}

/** Siblings are judged at the end: the new parent and those it adopts overlap until they have moved. */
export async function deferSiblings(tx: Tx): Promise<void> {
  await tx.sql`set constraints address_block_siblings_never_overlap, address_block_parent_has_this_cidr deferred`;
}

export async function judgeSiblings(tx: Tx): Promise<void> {
  await tx.sql`set constraints address_block_siblings_never_overlap, address_block_parent_has_this_cidr immediate`;
}

export async function amendParent(tx: Tx, ids: readonly string[], parent: { id: string; cidr: string }): Promise<void> {
  await tx.sql`
    update address_block set parent_id = ${parent.id}, parent_cidr = ${parent.cidr}::cidr, version = version + 1, updated_at = now()
    where id = any(${ids}::uuid[])`;
}

export async function amendBlockRow(
  tx: Tx,
  id: string,
  to: { isPool: boolean; markUtilized: boolean; status: string; attributes: unknown; nodeId: string | null },
): Promise<void> {
  await tx.sql`
    update address_block set is_pool = ${to.isPool}, mark_utilized = ${to.markUtilized}, status = ${to.status}, attributes = ${json(to.attributes)},
      node_id = ${to.nodeId}, version = version + 1, updated_at = now()
    where id = ${id}`;
}

export async function endBlock(tx: Tx, id: string): Promise<void> {
  await tx.sql`update address_block set ended_at = now(), version = version + 1, updated_at = now() where id = ${id}`;
}

/** What stands in the way of a prefix under a parent. */
export async function listOverlapping(
  tx: Tx,
  of: { spaceId: string; parentId: string | null; cidr: string; not: string },
): Promise<readonly { id: string; cidr: string }[]> {
  return tx.sql<{ id: string; cidr: string }>`
    select id, cidr::text as cidr from address_block
    where space_id = ${of.spaceId} and parent_id is not distinct from ${of.parentId}::uuid and cidr && ${of.cidr}::cidr and ended_at is null and id <> ${of.not}
    order by cidr limit 20`;
}

/**
 * Live things in a block: children, hosts held in it and in no smaller block, items that took it or from it. Of what is not seen
 * there is no more than that it stands in the way: no type and no count.
 */
export async function listBlockDependents(
  tx: Tx,
  caller: Caller,
  block: { id: string; spaceId: string; cidr: string },
): Promise<readonly { type: string | null; count: number }[]> {
  const q = walkOf(sightOf(caller));
  const [id, spaceId, cidr] = [
    `${q.value(block.id)}::uuid`,
    `${q.value(block.spaceId)}::uuid`,
    `${q.value(block.cidr)}::cidr`,
  ];
  const rows = await tx.unsafe(
    `select case when seen then type end as type, count(*) as count from (
       select 'addressBlock' as type, ${q.sees('addressBlock', 'b')} as seen from address_block b where b.parent_id = ${id} and b.ended_at is null
       union all
       select 'address', coalesce(case when a.id is null then ${allocationSeen(q, caller, 'l')} else ${q.sees('address', 'a')} end, true) from address_hold h
       left join address a on a.id = h.address_id left join allocation_item i on i.id = h.item_id left join allocation l on l.id = i.allocation_id
       where h.space_id = ${spaceId} and h.free_at > now()
         and h.host between host(network(${cidr}))::inet and host(broadcast(${cidr}))::inet
         and not exists (select from address_block p where p.space_id = h.space_id and p.cidr >> ${cidr} and p.ended_at is null)
       union all
       select 'allocation', ${allocationSeen(q, caller, 'l')} from allocation_item i join allocation l on l.id = i.allocation_id
       where (i.block_id = ${id} or i.taken_block_id = ${id}) and i.ended_at is null and upper(i.during) > now()
     ) dependents group by 1 order by min(case type when 'addressBlock' then 1 when 'address' then 2 else 3 end)`,
    q.params,
  );
  return rows as unknown as readonly { type: string | null; count: number }[];
}

export interface BlockContent {
  readonly held: readonly string[];
  readonly ranges: readonly { first: string; last: string }[];
  readonly children: readonly string[];
}

/**
 * What is in a block, for the rules of availability. Hosts are walked by address_held_once; a container of the space marked
 * global sees the hosts of every space that the caller sees, as its source counts them.
 */
export async function findBlockContent(db: Database | Tx, sight: Sight, id: string): Promise<BlockContent> {
  const q = walkOf(sight);
  const everywhere = `exists (select from address_space s where s.id = h.space_id and ${q.sees('addressSpace', 's')})`;
  const [row] = await db.unsafe(
    `with b as (
       select b.*, host(network(b.cidr))::inet as low, host(broadcast(b.cidr))::inet as high,
         b.status = 'container' and coalesce((s.attributes ->> 'global')::boolean, false) as wide
       from address_block b join address_space s on s.id = b.space_id where b.id = ${q.value(id)}::uuid
     )
     select
       (select coalesce(array_agg(distinct host(x.host)), '{}') from (
          select h.host from address_hold h where h.space_id = b.space_id and h.host between b.low and b.high and h.free_at > now()
          union all
          select h.host from address_hold h where b.wide and h.host between b.low and b.high and h.free_at > now() and ${sight === 'everything' ? 'true' : everywhere}
        ) x) as held,
       (select coalesce(jsonb_agg(jsonb_build_object('first', host(r.first_host), 'last', host(r.last_host))), '[]'::jsonb) from address_range r
        where r.space_id = b.space_id and r.ended_at is null and r.first_host >= b.low and r.last_host <= b.high) as ranges,
       (select coalesce(array_agg(c.cidr::text), '{}') from address_block c
        where c.parent_id = b.id and (c.ended_at is null or c.reusable_at > now())) as children
     from b`,
    q.params,
  );
  return row as unknown as BlockContent;
}

export function toBlock(row: BlockRow): AddressBlock {
  return {
    id: encodeId('blk', row.id),
    type: 'addressBlock',
    version: row.version,
    spaceId: encodeId('spc', row.spaceId),
    ...(row.parentId === null ? {} : { parentId: encodeId('blk', row.parentId) }),
    cidr: row.cidr,
    isPool: row.isPool,
    markUtilized: row.markUtilized,
    status: row.status,
    attributes: row.attributes,
    ...(row.nodeId === null ? {} : { nodeId: encodeId('nod', row.nodeId) }),
    ...(row.tenantId === null ? {} : { tenantId: encodeId('tnt', row.tenantId) }),
    externalIds: row.externalIds,
    state: row.endedAt === null ? 'live' : 'ended',
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    ...(row.endedAt === null ? {} : { endedAt: row.endedAt.toISOString() }),
  };
}

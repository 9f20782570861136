// Lock order and isolation: allocation/sql.ts. The primary key address_held_once and the exclusion
// address_block_siblings_never_overlap are the judges, whoever writes. inet compares masks too: hosts are compared as hosts.
import type { Tx } from '@sentral/kernel/database';
import { rowsOf, type Sight } from '../reading.js';
import type { HolderRow, Span } from './number-sql.js';
import { only } from './sql.js';

export interface BlockRow {
  readonly id: string;
  readonly spaceId: string;
  readonly cidr: string;
  readonly isPool: boolean;
  readonly markUtilized: boolean;
  readonly length: number;
  readonly width: number;
  /** The lowest and highest host that may be given: NetBox's rules for network, broadcast, pools and point-to-point blocks. */
  readonly firstHost: string;
  readonly lastHost: string;
}

export async function findBlock(tx: Tx, sight: Sight, id: string): Promise<BlockRow | undefined> {
  const q = rowsOf('addressBlock', sight, [id]);
  const [row] = await tx.unsafe(
    `
    select b.id, b.space_id as "spaceId", b.cidr::text as cidr, b.is_pool as "isPool", b.mark_utilized as "markUtilized",
      masklen(b.cidr) as length, w.width,
      case when b.is_pool or masklen(b.cidr) >= w.width - 1 then host(network(b.cidr)) else host(host(network(b.cidr))::inet + 1) end as "firstHost",
      case when b.is_pool or masklen(b.cidr) >= w.width - 1 or w.width = 128 then host(broadcast(b.cidr)) else host(host(broadcast(b.cidr))::inet - 1) end as "lastHost"
    from address_block b, lateral (select case family(b.cidr) when 4 then 32 else 128 end as width) w
    ${q.where()} and b.ended_at is null`,
    q.params,
  );
  return row as BlockRow | undefined;
}

export type HostVerdict = 'free' | 'outside' | 'in_range' | 'in_child_block';

/** Whether a stated host may be given from this block at all; who holds it is decided by the key. */
export async function judgeHost(tx: Tx, block: BlockRow, host: string): Promise<HostVerdict> {
  const rows = await tx.sql<{ outside: boolean; inRange: boolean; inChild: boolean }>`
    select not (h.host <<= ${block.cidr}::cidr and h.host between ${block.firstHost}::inet and ${block.lastHost}::inet) as outside,
      exists (select from address_range r where r.space_id = ${block.spaceId}::uuid and r.ended_at is null and h.host between r.first_host and r.last_host) as "inRange",
      exists (select from address_block c where c.parent_id = ${block.id}::uuid and c.ended_at is null and h.host << c.cidr) as "inChild"
    from (select ${host}::inet as host) h`;
  const verdict = only(rows);
  return verdict.outside ? 'outside' : verdict.inRange ? 'in_range' : verdict.inChild ? 'in_child_block' : 'free';
}

/** The lowest free host: the first of the block, or one behind a held host, a range or a child block. */
export async function findNextHost(tx: Tx, block: BlockRow): Promise<string | undefined> {
  const rows = await tx.sql<{ host: string }>`
    with held as materialized (
      select h.host from address_hold h
      where h.space_id = ${block.spaceId}::uuid and h.host between ${block.firstHost}::inet and ${block.lastHost}::inet and h.free_at > now()
    ), fenced as materialized (
      select r.first_host as first, r.last_host as last from address_range r
      where r.space_id = ${block.spaceId}::uuid and r.ended_at is null and family(r.first_host) = family(${block.cidr}::cidr)
        and r.last_host >= ${block.firstHost}::inet and r.first_host <= ${block.lastHost}::inet
      union all
      select host(network(c.cidr))::inet, host(broadcast(c.cidr))::inet from address_block c where c.parent_id = ${block.id}::uuid and c.ended_at is null
    )
    select host(c.host) as host from (
      select ${block.firstHost}::inet as host
      union all select host + 1 from held where host < ${block.lastHost}::inet
      union all select last + 1 from fenced where last < ${block.lastHost}::inet
    ) c
    where c.host between ${block.firstHost}::inet and ${block.lastHost}::inet
      and not exists (select from held where held.host = c.host)
      and not exists (select from fenced where c.host between fenced.first and fenced.last)
    order by c.host limit 1`;
  return rows[0]?.host;
}

/** Takes the host or gives false; see insertNumberHold. */
export async function insertAddressHold(tx: Tx, hold: { spaceId: string; host: string; span: Span }): Promise<boolean> {
  const rows = await tx.sql`
    insert into address_hold as h (space_id, host, item_id, free_at)
    select s.id, ${hold.host}::inet, ${hold.span.itemId}::uuid, coalesce(a.expires_at + make_interval(secs => s.cool_down_seconds), 'infinity')
    from allocation a, address_space s where a.id = ${hold.span.allocationId}::uuid and s.id = ${hold.spaceId}::uuid
    on conflict on constraint address_held_once do update set item_id = excluded.item_id, address_id = null, free_at = excluded.free_at
      where h.free_at <= now()
    returning h.host`;
  return rows.length > 0;
}

export async function findAddressHolder(tx: Tx, spaceId: string, host: string): Promise<HolderRow | undefined> {
  const rows = await tx.sql<HolderRow & object>`
    select a.id as "allocationId", h.address_id as "recordedId", a.consumer_service as "consumerService", a.consumer_kind as "consumerKind",
           a.consumer_id as "consumerId", a.tenant_id as "tenantId", a.project_id as "projectId", a.scope_id as "scopeId", a.starts_at as "startsAt", a.expires_at as "expiresAt"
    from address_hold h left join allocation_item i on i.id = h.item_id left join allocation a on a.id = i.allocation_id
    where h.space_id = ${spaceId}::uuid and h.host = ${host}::inet and h.free_at > now()`;
  return rows[0];
}

/**
 * The lowest aligned block of this length (or exactly the stated one) that overlaps no child, no resting block, no range and no held host.
 * As with hosts, it begins the parent or follows something that is taken.
 */
export async function findFreeBlock(
  tx: Tx,
  parent: BlockRow,
  wanted: { length: number; cidr: string | null },
): Promise<string | undefined> {
  const rows = await tx.sql<{ cidr: string }>`
    with taken as materialized (
      select c.cidr::inet as net from address_block c where c.parent_id = ${parent.id}::uuid and c.ended_at is null
      union all
      select c.cidr::inet from address_block c where c.parent_id = ${parent.id}::uuid and c.reusable_at > now()
      union all
      select h.host from address_hold h
      where h.space_id = ${parent.spaceId}::uuid and h.free_at > now()
        and h.host between host(network(${parent.cidr}::cidr))::inet and host(broadcast(${parent.cidr}::cidr))::inet
    ), fenced as materialized (
      select r.first_host as first, r.last_host as last from address_range r
      where r.space_id = ${parent.spaceId}::uuid and r.ended_at is null and family(r.first_host) = family(${parent.cidr}::cidr)
    ), behind as (
      select broadcast(network(set_masklen(net, least(${wanted.length}::int, masklen(net))))::inet) as last from taken
      union all
      select broadcast(network(set_masklen(last, ${wanted.length}::int))::inet) from fenced where last <<= ${parent.cidr}::cidr
    )
    select c.cidr::text as cidr from (
      select coalesce(${wanted.cidr}::cidr, network(set_masklen(network(${parent.cidr}::cidr)::inet, ${wanted.length}::int))) as cidr
      union
      select network(set_masklen(host(last)::inet + 1, ${wanted.length}::int)) from behind
      where ${wanted.cidr}::cidr is null and host(last)::inet < host(broadcast(${parent.cidr}::cidr))::inet
    ) c
    where c.cidr << ${parent.cidr}::cidr
      and not exists (select from taken where taken.net && c.cidr::inet)
      and not exists (select from fenced where fenced.first <= host(broadcast(c.cidr))::inet and fenced.last >= host(network(c.cidr))::inet)
    order by c.cidr limit 1`;
  return rows[0]?.cidr;
}

export async function insertTakenBlock(
  tx: Tx,
  block: { id: string; parent: BlockRow; cidr: string; tenantId: string },
): Promise<void> {
  await tx.sql`
    insert into address_block (id, space_id, parent_id, parent_cidr, cidr, tenant_id)
    values (${block.id}::uuid, ${block.parent.spaceId}::uuid, ${block.parent.id}::uuid, ${block.parent.cidr}::cidr, ${block.cidr}::cidr, ${block.tenantId}::uuid)`;
}

export interface EndedBlock {
  readonly id: string;
  readonly version: number;
  readonly cidr: string;
}

/** Blocks of an allocation that carry live blocks of their own cannot end under them. */
export async function listDependents(
  tx: Tx,
  allocationId: string,
): Promise<readonly { id: string; parentId: string }[]> {
  return tx.sql<{ id: string; parentId: string }>`
    select c.id, c.parent_id as "parentId" from allocation_item i join address_block c on c.parent_id = i.taken_block_id and c.ended_at is null
    where i.allocation_id = ${allocationId}::uuid and i.what = 'block' limit 20`;
}

export async function endTakenBlocks(tx: Tx, allocationId: string): Promise<readonly EndedBlock[]> {
  return tx.sql<EndedBlock & object>`
    update address_block b set ended_at = now(), reusable_at = now() + make_interval(secs => s.cool_down_seconds), version = b.version + 1, updated_at = now()
    from allocation_item i, address_space s
    where i.allocation_id = ${allocationId}::uuid and b.id = i.taken_block_id and b.ended_at is null and s.id = b.space_id
      and not exists (select from address_block c where c.parent_id = b.id and c.ended_at is null)
    returning b.id, b.version, b.cidr::text as cidr`;
}

/** Who holds a block that overlaps the stated one, for the refusal. */
export async function findBlockHolder(
  tx: Tx,
  parentId: string,
  cidr: string,
): Promise<(HolderRow & { readonly blockId: string; readonly cidr: string }) | undefined> {
  const rows = await tx.sql<HolderRow & { blockId: string; cidr: string }>`
    select c.id as "blockId", c.cidr::text as cidr, a.id as "allocationId", c.id as "recordedId", a.consumer_service as "consumerService",
           a.consumer_kind as "consumerKind", a.consumer_id as "consumerId", a.tenant_id as "tenantId", a.project_id as "projectId", a.scope_id as "scopeId", a.starts_at as "startsAt", a.expires_at as "expiresAt"
    from address_block c left join allocation_item i on i.taken_block_id = c.id and i.ended_at is null left join allocation a on a.id = i.allocation_id
    where c.parent_id = ${parentId}::uuid and c.ended_at is null and c.cidr && ${cidr}::cidr order by c.cidr limit 1`;
  return rows[0];
}

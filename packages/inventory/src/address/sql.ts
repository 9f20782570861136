// Lock order: the address row, then its hold by (space, host). Who occupies a host is judged by address_held_once.
import { encodeId } from '@sentral/contracts/ids';
import type { Address } from '@sentral/contracts/inventory/address';
import { json, type Tx } from '@sentral/kernel/database';
import { externalIdsOf } from '../external-id/sql.js';
import type { Holder } from '../holder.js';
import { rowsOf, type Asks, type Sight } from '../reading.js';

export interface AddressRow {
  readonly id: string;
  readonly spaceId: string;
  readonly address: string;
  readonly prefixLength: number;
  readonly occupies: boolean;
  readonly attributes: Record<string, unknown>;
  readonly nodeId: string | null;
  readonly tenantId: string | null;
  readonly externalIds: { source: string; externalId: string }[];
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly endedAt: Date | null;
}

export const selectAddress = `select a.id, a.space_id as "spaceId", host(a.host) as address, a.prefix_length as "prefixLength", a.occupies,
  a.attributes, a.node_id as "nodeId", a.tenant_id as "tenantId", ${externalIdsOf('a.id')}, a.version,
  a.created_at as "createdAt", a.updated_at as "updatedAt", a.ended_at as "endedAt" from address a`;

export async function findAddress(db: Asks, sight: Sight, id: string): Promise<AddressRow | undefined> {
  const q = rowsOf('address', sight, [id]);
  const [row] = await db.unsafe(`${selectAddress} ${q.where()}`, q.params);
  return row as AddressRow | undefined;
}

export async function lockAddress(tx: Tx, sight: Sight, id: string): Promise<AddressRow | undefined> {
  const q = rowsOf('address', sight, [id]);
  await tx.unsafe(`select a.id from address a ${q.where()} for no key update of a`, q.params);
  return findAddress(tx, sight, id);
}

/** The longest live prefix that holds the host, and whether a range of the space covers it. */
export async function findHome(
  tx: Tx,
  spaceId: string,
  host: string,
): Promise<{ prefixLength: number | null; inRange: boolean }> {
  const [row] = await tx.sql<{ prefixLength: number | null; inRange: boolean }>`
    select
      (select masklen(cidr) from address_block where space_id = ${spaceId} and cidr >>= ${host}::inet and ended_at is null order by masklen(cidr) desc limit 1) as "prefixLength",
      exists (select from address_range where space_id = ${spaceId} and first_host <= ${host}::inet and last_host >= ${host}::inet and ended_at is null
        and coalesce((attributes ->> 'markUtilized')::boolean, (attributes ->> 'mark_utilized')::boolean, false)) as "inRange"`;
  return row ?? { prefixLength: null, inRange: false };
}

export interface NewAddress {
  readonly id: string;
  readonly spaceId: string;
  readonly host: string;
  readonly prefixLength: number;
  readonly attributes: unknown;
  readonly nodeId: string | null;
}

export async function insertAddress(tx: Tx, address: NewAddress): Promise<void> {
  await tx.sql`
    insert into address (id, space_id, host, prefix_length, attributes, node_id)
    values (${address.id}, ${address.spaceId}, ${address.host}::inet, ${address.prefixLength}, ${json(address.attributes)}, ${address.nodeId})`;
}

/** Takes the host: a hold whose time has passed is replaced. Undefined: somebody has it. */
export async function takeHost(tx: Tx, of: { spaceId: string; host: string; addressId: string }): Promise<boolean> {
  const taken = await tx.sql`
    insert into address_hold (space_id, host, address_id) values (${of.spaceId}, ${of.host}::inet, ${of.addressId})
    on conflict (space_id, host) do update set address_id = excluded.address_id, item_id = null, free_at = 'infinity'
    where address_hold.free_at <= now()
    returning host`;
  return taken.length === 1;
}

export async function findHolderOfHost(tx: Tx, spaceId: string, host: string) {
  const [row] = await tx.sql<Holder & { addressId: string | null }>`
    select h.address_id as "addressId", l.id as "allocationId", l.tenant_id as "tenantId", l.project_id as "projectId", l.scope_id as "scopeId",
      nullif(h.free_at, 'infinity') as "freeAt"
    from address_hold h left join allocation_item i on i.id = h.item_id left join allocation l on l.id = i.allocation_id
    where h.space_id = ${spaceId} and h.host = ${host}::inet`;
  return row;
}

export async function endAddress(tx: Tx, id: string): Promise<void> {
  await tx.sql`update address set ended_at = now(), version = version + 1, updated_at = now() where id = ${id}`;
}

/** The host rests for the cool-down of its space; without one it is free at once. */
export async function giveHostBack(tx: Tx, addressId: string): Promise<void> {
  await tx.sql`
    update address_hold h set address_id = null, free_at = now() + make_interval(secs => s.cool_down_seconds)
    from address_space s where s.id = h.space_id and h.address_id = ${addressId}`;
}

export function toAddress(row: AddressRow): Address {
  return {
    id: encodeId('adr', row.id),
    type: 'address',
    version: row.version,
    spaceId: encodeId('spc', row.spaceId),
    address: row.address,
    prefixLength: row.prefixLength,
    occupies: row.occupies,
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

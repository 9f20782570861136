// One row a verb: its lock is the only one.
import { encodeId } from '@sentral/contracts/ids';
import type { AddressSpace } from '@sentral/contracts/inventory/address-space';
import { json, type Database, type Tx } from '@sentral/kernel/database';
import { externalIdsOf } from '../external-id/sql.js';
import { rowsOf, type Sight } from '../reading.js';

export interface AddressSpaceRow {
  readonly id: string;
  readonly name: string;
  readonly nameExclusive: boolean;
  readonly coolDownSeconds: number;
  readonly attributes: Record<string, unknown>;
  readonly tenantId: string | null;
  readonly externalIds: { source: string; externalId: string }[];
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export const selectSpace = `select s.id, s.name, s.name_exclusive as "nameExclusive", s.cool_down_seconds as "coolDownSeconds", s.attributes,
  s.tenant_id as "tenantId", ${externalIdsOf('s.id')}, s.version, s.created_at as "createdAt",
  s.updated_at as "updatedAt" from address_space s`;

export async function findSpace(db: Database | Tx, sight: Sight, id: string): Promise<AddressSpaceRow | undefined> {
  const q = rowsOf('addressSpace', sight, [id]);
  const [row] = await db.unsafe(`${selectSpace} ${q.where()} and s.ended_at is null`, q.params);
  return row as AddressSpaceRow | undefined;
}

export async function lockSpace(tx: Tx, sight: Sight, id: string): Promise<AddressSpaceRow | undefined> {
  const q = rowsOf('addressSpace', sight, [id]);
  await tx.unsafe(`select s.id from address_space s ${q.where()} for no key update of s`, q.params);
  return findSpace(tx, sight, id);
}

export async function insertSpace(
  tx: Tx,
  space: { id: string; name: string; coolDownSeconds: number; attributes: unknown },
): Promise<void> {
  await tx.sql`
    insert into address_space (id, name, name_exclusive, cool_down_seconds, attributes)
    values (${space.id}, ${space.name}, true, ${space.coolDownSeconds}, ${json(space.attributes)})`;
}

export async function amendSpaceRow(
  tx: Tx,
  id: string,
  to: { name: string; nameExclusive: boolean; coolDownSeconds: number; attributes: unknown },
): Promise<void> {
  await tx.sql`
    update address_space set name = ${to.name}, name_exclusive = ${to.nameExclusive}, cool_down_seconds = ${to.coolDownSeconds},
      attributes = ${json(to.attributes)}, version = version + 1, updated_at = now()
    where id = ${id}`;
}

export function toSpace(row: AddressSpaceRow): AddressSpace {
  return {
    id: encodeId('spc', row.id),
    type: 'addressSpace',
    version: row.version,
    name: row.name,
    coolDownSeconds: row.coolDownSeconds,
    attributes: row.attributes,
    ...(row.tenantId === null ? {} : { tenantId: encodeId('tnt', row.tenantId) }),
    externalIds: row.externalIds,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

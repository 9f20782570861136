// Who occupies a number is judged by number_held_once; there is no other lock.
import { encodeId } from '@sentral/contracts/ids';
import type { NumberRecord } from '@sentral/contracts/inventory/number';
import { json, type Database, type Tx } from '@sentral/kernel/database';
import { externalIdsOf } from '../external-id/sql.js';
import type { Holder } from '../holder.js';

export interface NumberRow {
  readonly id: string;
  readonly domainId: string;
  readonly value: number;
  readonly name: string | null;
  readonly occupies: boolean;
  readonly attributes: Record<string, unknown>;
  readonly nodeId: string | null;
  readonly tenantId: string | null;
  readonly externalIds: { source: string; externalId: string }[];
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export const selectNumber = `select m.id, m.domain_id as "domainId", m.value, m.name, m.occupies, m.attributes, m.node_id as "nodeId",
  m.tenant_id as "tenantId", ${externalIdsOf('m.id')}, m.version, m.created_at as "createdAt",
  m.updated_at as "updatedAt" from number m`;

export async function findNumber(db: Database | Tx, id: string): Promise<NumberRow | undefined> {
  const [row] = await db.unsafe(`${selectNumber} where m.id = $1`, [id]);
  return row as NumberRow | undefined;
}

export interface NewNumber {
  readonly id: string;
  readonly domainId: string;
  readonly kind: string;
  readonly value: number;
  readonly name: string | null;
  readonly occupies: boolean;
  readonly attributes: unknown;
  readonly nodeId: string | null;
}

export async function insertNumber(tx: Tx, number: NewNumber): Promise<void> {
  await tx.sql`
    insert into number (id, domain_id, domain_kind, value, name, occupies, attributes, node_id)
    values (${number.id}, ${number.domainId}, ${number.kind}, ${number.value}, ${number.name}, ${number.occupies}, ${json(number.attributes)}, ${number.nodeId})`;
}

/** Takes the number: a hold whose time has passed is replaced. False: somebody has it. */
export async function takeNumber(
  tx: Tx,
  of: { domainId: string; kind: string; value: number; numberId: string },
): Promise<boolean> {
  const taken = await tx.sql`
    insert into number_hold (domain_id, domain_kind, value, number_id) values (${of.domainId}, ${of.kind}, ${of.value}, ${of.numberId})
    on conflict (domain_id, value) do update set number_id = excluded.number_id, item_id = null, free_at = 'infinity'
    where number_hold.free_at <= now()
    returning value`;
  return taken.length === 1;
}

export async function findHolderOfNumber(tx: Tx, domainId: string, value: number) {
  const [row] = await tx.sql<Holder & { numberId: string | null }>`
    select h.number_id as "numberId", l.id as "allocationId", l.tenant_id as "tenantId", l.project_id as "projectId", l.scope_id as "scopeId",
      nullif(h.free_at, 'infinity') as "freeAt"
    from number_hold h left join allocation_item i on i.id = h.item_id left join allocation l on l.id = i.allocation_id
    where h.domain_id = ${domainId} and h.value = ${value}`;
  return row;
}

export function toNumber(row: NumberRow): NumberRecord {
  return {
    type: 'number',
    version: row.version,
    domainId: encodeId('ndm', row.domainId),
    value: row.value,
    ...(row.name === null ? {} : { name: row.name }),
    occupies: row.occupies,
    attributes: row.attributes,
    ...(row.nodeId === null ? {} : { nodeId: encodeId('nod', row.nodeId) }),
    ...(row.tenantId === null ? {} : { tenantId: encodeId('tnt', row.tenantId) }),
    externalIds: row.externalIds,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

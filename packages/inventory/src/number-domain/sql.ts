// One row a verb: its lock is the only one.
import { encodeId } from '@sentral/contracts/ids';
import type { NumberDomain } from '@sentral/contracts/inventory/number-domain';
import { json, type Database, type Tx } from '@sentral/kernel/database';
import { externalIdsOf } from '../external-id/sql.js';
import { rowsOf, type Sight } from '../reading.js';

export interface NumberDomainRow {
  readonly id: string;
  readonly name: string;
  readonly nameExclusive: boolean;
  readonly kind: string;
  readonly pooled: boolean;
  readonly coolDownSeconds: number;
  readonly attributes: Record<string, unknown>;
  readonly nodeId: string | null;
  readonly externalIds: { source: string; externalId: string }[];
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export const selectDomain = `select d.id, d.name, d.name_exclusive as "nameExclusive", d.kind, d.pooled, d.cool_down_seconds as "coolDownSeconds",
  d.attributes, d.node_id as "nodeId", ${externalIdsOf('d.id')}, d.version, d.created_at as "createdAt", d.updated_at as "updatedAt"
  from number_domain d`;

export async function findDomain(db: Database | Tx, sight: Sight, id: string): Promise<NumberDomainRow | undefined> {
  const q = rowsOf('numberDomain', sight, [id]);
  const [row] = await db.unsafe(`${selectDomain} ${q.where()} and d.ended_at is null`, q.params);
  return row as NumberDomainRow | undefined;
}

export async function lockDomain(tx: Tx, sight: Sight, id: string): Promise<NumberDomainRow | undefined> {
  const q = rowsOf('numberDomain', sight, [id]);
  await tx.unsafe(`select d.id from number_domain d ${q.where()} for no key update of d`, q.params);
  return findDomain(tx, sight, id);
}

export interface NewDomain {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly pooled: boolean;
  readonly coolDownSeconds: number;
  readonly attributes: unknown;
  readonly nodeId: string | null;
}

export async function insertDomain(tx: Tx, domain: NewDomain): Promise<void> {
  await tx.sql`
    insert into number_domain (id, name, name_exclusive, kind, pooled, cool_down_seconds, attributes, node_id)
    values (${domain.id}, ${domain.name}, true, ${domain.kind}, ${domain.pooled}, ${domain.coolDownSeconds}, ${json(domain.attributes)}, ${domain.nodeId})`;
}

export async function amendDomainRow(
  tx: Tx,
  id: string,
  to: { name: string; nameExclusive: boolean; coolDownSeconds: number; attributes: unknown; nodeId: string | null },
): Promise<void> {
  await tx.sql`
    update number_domain set name = ${to.name}, name_exclusive = ${to.nameExclusive}, cool_down_seconds = ${to.coolDownSeconds},
      attributes = ${json(to.attributes)}, node_id = ${to.nodeId}, version = version + 1, updated_at = now()
    where id = ${id}`;
}

export function toDomain(row: NumberDomainRow): NumberDomain {
  return {
    id: encodeId('ndm', row.id),
    type: 'numberDomain',
    version: row.version,
    name: row.name,
    kind: row.kind,
    pooled: row.pooled,
    coolDownSeconds: row.coolDownSeconds,
    attributes: row.attributes,
    ...(row.nodeId === null ? {} : { nodeId: encodeId('nod', row.nodeId) }),
    externalIds: row.externalIds,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

// Lock order: the domain (KEY SHARE by foreign key), then the range.
import { encodeId } from '@sentral/contracts/ids';
import type { NumberRange } from '@sentral/contracts/inventory/number-range';
import { json, type Database, type Tx } from '@sentral/kernel/database';
import { externalIdsOf } from '../external-id/sql.js';
import { rowsOf, type Sight } from '../reading.js';

export interface NumberRangeRow {
  readonly id: string;
  readonly domainId: string;
  readonly start: number;
  readonly end: number;
  readonly attributes: Record<string, unknown>;
  readonly externalIds: { source: string; externalId: string }[];
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export const selectRange = `select r.id, r.domain_id as "domainId", lower(r.numbers) as start, upper(r.numbers) - 1 as "end", r.attributes,
  ${externalIdsOf('r.id')}, r.version, r.created_at as "createdAt", r.updated_at as "updatedAt" from number_range r`;

export async function findRange(db: Database | Tx, sight: Sight, id: string): Promise<NumberRangeRow | undefined> {
  const q = rowsOf('numberRange', sight, [id]);
  const [row] = await db.unsafe(`${selectRange} ${q.where()} and r.ended_at is null`, q.params);
  return row as NumberRangeRow | undefined;
}

export async function lockRange(tx: Tx, sight: Sight, id: string): Promise<NumberRangeRow | undefined> {
  const q = rowsOf('numberRange', sight, [id]);
  await tx.unsafe(`select r.id from number_range r ${q.where()} for no key update of r`, q.params);
  return findRange(tx, sight, id);
}

export async function insertRange(
  tx: Tx,
  range: { id: string; domainId: string; kind: string; start: number; end: number; attributes: unknown },
): Promise<void> {
  await tx.sql`
    insert into number_range (id, domain_id, domain_kind, numbers, attributes)
    values (${range.id}, ${range.domainId}, ${range.kind}, int8range(${range.start}::bigint, ${range.end}::bigint, '[]'), ${json(range.attributes)})`;
}

export async function amendRangeRow(
  tx: Tx,
  id: string,
  to: { start: number; end: number; attributes: unknown },
): Promise<void> {
  await tx.sql`
    update number_range set numbers = int8range(${to.start}::bigint, ${to.end}::bigint, '[]'), attributes = ${json(to.attributes)},
      version = version + 1, updated_at = now()
    where id = ${id}`;
}

export interface DomainContent {
  readonly ranges: readonly { start: number; end: number }[];
  readonly held: readonly number[];
}

/** The ranges asked about and the numbers held in the domain; held numbers are few beside what a range may span. */
export async function findRangeContent(db: Database, domainId: string, rangeId: string | null): Promise<DomainContent> {
  const [row] = await db.unsafe(
    `select
       (select coalesce(jsonb_agg(jsonb_build_object('start', lower(numbers), 'end', upper(numbers) - 1) order by numbers), '[]'::jsonb)
        from number_range where domain_id = $1 and ended_at is null and ($2::uuid is null or id = $2::uuid)) as ranges,
       (select coalesce(jsonb_agg(value order by value), '[]'::jsonb) from number_hold where domain_id = $1 and free_at > now()) as held`,
    [domainId, rangeId],
  );
  return row as unknown as DomainContent;
}

export function toRange(row: NumberRangeRow): NumberRange {
  return {
    id: encodeId('rng', row.id),
    type: 'numberRange',
    version: row.version,
    domainId: encodeId('ndm', row.domainId),
    start: row.start,
    end: row.end,
    attributes: row.attributes,
    externalIds: row.externalIds,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

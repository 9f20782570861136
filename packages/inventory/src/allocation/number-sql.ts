// Lock order and isolation: allocation/sql.ts. The primary key number_held_once is the judge, whoever writes.
import type { Database, Tx } from '@sentral/kernel/database';
import { rowsOf, type Sight } from '../reading.js';

export interface DomainRow {
  readonly id: string;
  readonly kind: string;
  readonly pooled: boolean;
  readonly name: string;
}

export async function findDomain(tx: Tx, sight: Sight, id: string): Promise<DomainRow | undefined> {
  const q = rowsOf('numberDomain', sight, [id]);
  const [row] = await tx.unsafe(
    `select d.id, d.kind, d.pooled, d.name from number_domain d ${q.where()} and d.ended_at is null`,
    q.params,
  );
  return row as DomainRow | undefined;
}

/** Which numbers a request may get: those of one range, or of all ranges of the domain. */
export interface Among {
  readonly domainId: string;
  readonly rangeId: string | null;
}

export async function isInRange(tx: Tx, among: Among, number: number): Promise<boolean> {
  const rows = await tx.sql`
    select 1 as found from number_range r
    where r.domain_id = ${among.domainId}::uuid and r.id = coalesce(${among.rangeId}::uuid, r.id) and r.ended_at is null and r.numbers @> ${number}::bigint limit 1`;
  return rows.length > 0;
}

/**
 * The lowest free number: it begins a range, or follows one that is held. So only those are tried, in order, and the cost
 * is one index probe for each held number below it, whatever the size of the range.
 */
export async function findNextNumber(tx: Tx, { domainId, rangeId }: Among): Promise<number | undefined> {
  const rows = await tx.sql<{ value: number }>`
    select c.value from (
      select lower(r.numbers) as value from number_range r where r.domain_id = ${domainId}::uuid and r.id = coalesce(${rangeId}::uuid, r.id) and r.ended_at is null
      union all
      select h.value + 1 from number_hold h where h.domain_id = ${domainId}::uuid and h.free_at > now()
    ) c
    where exists (select from number_range r where r.domain_id = ${domainId}::uuid and r.id = coalesce(${rangeId}::uuid, r.id) and r.ended_at is null and r.numbers @> c.value)
      and not exists (select from number_hold h where h.domain_id = ${domainId}::uuid and h.value = c.value and h.free_at > now())
    order by c.value limit 1`;
  return rows[0]?.value;
}

export interface Span {
  readonly allocationId: string;
  readonly itemId: string;
}

/** Takes the number or gives false: a row whose free_at has passed is replaced, so no sweep is needed to be right. */
export async function insertNumberHold(
  tx: Tx,
  hold: { domain: DomainRow; number: number; span: Span },
): Promise<boolean> {
  const rows = await tx.sql`
    insert into number_hold as h (domain_id, domain_kind, value, item_id, free_at)
    select ${hold.domain.id}::uuid, ${hold.domain.kind}::text, ${hold.number}::bigint, ${hold.span.itemId}::uuid,
           coalesce(a.expires_at + make_interval(secs => d.cool_down_seconds), 'infinity')
    from allocation a, number_domain d where a.id = ${hold.span.allocationId}::uuid and d.id = ${hold.domain.id}::uuid
    on conflict on constraint number_held_once do update set item_id = excluded.item_id, number_id = null, free_at = excluded.free_at
      where h.free_at <= now()
    returning h.value`;
  return rows.length > 0;
}

export interface HolderRow {
  readonly allocationId: string | null;
  readonly recordedId: string | null;
  readonly consumerService: string | null;
  readonly consumerKind: string | null;
  readonly consumerId: string | null;
  /** Where the allocation lies; null where none holds it. */
  readonly tenantId: string | null;
  readonly projectId: string | null;
  readonly scopeId: string | null;
  readonly startsAt: Date | null;
  readonly expiresAt: Date | null;
}

export async function findNumberHolder(tx: Tx, domainId: string, number: number): Promise<HolderRow | undefined> {
  const rows = await tx.sql<HolderRow & object>`
    select a.id as "allocationId", h.number_id as "recordedId", a.consumer_service as "consumerService", a.consumer_kind as "consumerKind",
           a.consumer_id as "consumerId", a.tenant_id as "tenantId", a.project_id as "projectId", a.scope_id as "scopeId", a.starts_at as "startsAt", a.expires_at as "expiresAt"
    from number_hold h left join allocation_item i on i.id = h.item_id left join allocation a on a.id = i.allocation_id
    where h.domain_id = ${domainId}::uuid and h.value = ${number}::bigint and h.free_at > now()`;
  return rows[0];
}

/** A range stays with its domain for life, so this may be asked before any transaction. */
export async function findDomainsOfRanges(
  db: Database,
  sight: Sight,
  rangeIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const q = rowsOf('numberRange', sight, rangeIds);
  const rows = await db.unsafe(
    `select r.id, r.domain_id as "domainId" from number_range r ${q.where()} and r.ended_at is null`,
    q.params,
  );
  return new Map(rows.map((row) => [row['id'] as string, row['domainId'] as string]));
}

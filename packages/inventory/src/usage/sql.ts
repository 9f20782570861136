// One lock: the scope's row, for update, against the key share that a new allocation takes until it has committed.
import type { Database, Tx } from '@sentral/kernel/database';

export async function lockScope(tx: Tx, id: string): Promise<void> {
  await tx.sql`select id from scope_view where id = ${id} for update`;
}

/** Live allocations of a tenant, project or environment: how many, and twenty of them. An expired one does not count. */
export async function listLiveAllocations(
  tx: Tx,
  level: 'tenant' | 'project' | 'environment',
  id: string,
): Promise<readonly { id: string; count: number }[]> {
  return tx.sql<{ id: string; count: number }>`
    select id::text as id, count(*) over () as count from allocation
    where case ${level}::text when 'tenant' then tenant_id when 'project' then project_id else scope_id end = ${id}
      and ended_at is null and coalesce(expires_at > now(), true)
    order by id limit 20`;
}

export type Level = 'platform' | 'tenant' | 'project' | 'environment';

export interface UseRow {
  readonly scopeId: string;
  readonly kind: Level;
  readonly dimension: string;
  readonly unitSeconds: string;
  readonly heldAtEnd: number;
}

/**
 * The integral over the ledger, which is allocation_item: each row held its amount from its beginning to the earliest of its
 * end, its expiry and now. Grouped twice: by the scope itself and by its children. `allocation_item_by_tenant_end` leaves
 * out what had ended before `from`.
 */
export async function listUseBetween(
  on: Database,
  asked: { scopeId: string; level: Level; from: string; to: string },
): Promise<{ rows: readonly UseRow[]; until: Date }> {
  const rows = await on.unsafe(
    `with span as (select $3::timestamptz as since, least($4::timestamptz, now()) as until),
     held as (
       select a.tenant_id, a.project_id, a.scope_id, i.dimension, i.amount,
         greatest(lower(i.during), span.since) as since,
         least(coalesce(i.ended_at, 'infinity'), upper(i.during), span.until) as until,
         lower(i.during) <= span.until and least(coalesce(i.ended_at, 'infinity'), upper(i.during)) > span.until as at_end
       from span, allocation_item i join allocation a on a.id = i.allocation_id
       where case $2::text when 'platform' then true when 'tenant' then a.tenant_id = $1::uuid
           when 'project' then a.project_id = $1::uuid else a.scope_id = $1::uuid end
         and ($2::text in ('platform', 'project', 'environment') or i.tenant_id = $1::uuid)
         and (i.ended_at is null or i.ended_at > span.since) and lower(i.during) < span.until and i.dimension is not null
     )
     select coalesce(g.scope_id, $1::uuid) as "scopeId", g.kind, g.dimension,
       trim_scale(round(sum(g.amount * extract(epoch from greatest(g.until - g.since, interval '0')))::numeric, 6))::text as "unitSeconds",
       coalesce(sum(g.amount) filter (where g.at_end), 0)::bigint as "heldAtEnd", (select until from span) as until
     from (
       select $1::uuid as scope_id, $2::text as kind, h.* from (select dimension, amount, since, until, at_end from held) h
       union all
       select case $2::text when 'platform' then tenant_id when 'tenant' then project_id else scope_id end,
         case $2::text when 'platform' then 'tenant' when 'tenant' then 'project' else 'environment' end, dimension, amount, since, until, at_end
       from held where $2::text <> 'environment'
     ) g
     group by g.scope_id, g.kind, g.dimension order by g.kind = $2::text desc, g.scope_id, g.dimension`,
    [asked.scopeId, asked.level, asked.from, asked.to],
  );
  const [span] = await on.unsafe('select least($1::timestamptz, now()) as until', [asked.to]);
  const until = (rows[0]?.['until'] ?? span?.['until']) as Date;
  return { rows: rows as unknown as readonly UseRow[], until };
}

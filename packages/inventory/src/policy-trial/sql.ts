// Reads only.
import type { Database } from '@sentral/kernel/database';
import { columnOf, type Level } from '../usage/sql.js';

export interface TriedRow {
  readonly id: string;
  /** How long its window is or its hold may last; null is without an end. */
  readonly leaseSeconds: number | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly nodeIds: readonly string[];
}

/** Live allocations of a scope and below, with the nodes that they hold. */
export async function listTried(
  on: Database,
  { level, id, limit }: { level: Level; id: string; limit: number },
): Promise<readonly TriedRow[]> {
  const rows = await on.unsafe(
    `select a.id, case when a.ttl_seconds is null then extract(epoch from a.expires_at - a.starts_at)::float8 else greatest(a.ttl_seconds, a.max_ttl_seconds) end as "leaseSeconds", a.labels,
       coalesce((select array_agg(i.node_id::text) from allocation_item i
         where i.allocation_id = a.id and i.node_id is not null and i.ended_at is null), '{}') as "nodeIds"
     from allocation a
     where ${level === 'platform' ? '$1::uuid is not null' : `a.${columnOf[level]} = $1::uuid`}
       and a.ended_at is null and coalesce(a.expires_at > now(), true) order by a.id limit $2`,
    [id, limit],
  );
  return rows as unknown as readonly TriedRow[];
}

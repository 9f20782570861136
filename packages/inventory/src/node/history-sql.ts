// Reads only: the rows are written by the trigger feed_keeps_node_history, one a change, and never changed.
import type { Database } from '@sentral/kernel/database';

export interface NodeVersionRow {
  readonly version: number;
  readonly type: string;
  readonly recordedAt: Date;
  readonly principalId: string | null;
  readonly principalType: 'user' | 'service' | 'system' | null;
  readonly state: Record<string, unknown>;
  readonly stateBefore: Record<string, unknown> | null;
}

/** Versions below `before`, each with the one before it where that may be seen too; owners are named as the states name them. */
export async function listVersions(
  db: Database,
  of: {
    id: string;
    before: number | null;
    newest: number;
    seen: { tenantIds: readonly string[]; shared: boolean } | null;
    limit: number;
  },
): Promise<readonly NodeVersionRow[]> {
  const all = of.seen === null;
  const tenantIds = [...(of.seen?.tenantIds ?? [])];
  const shared = of.seen?.shared ?? false;
  return db.sql<NodeVersionRow & Record<string, unknown>>`
    with seen as (
      select * from node_history h where h.node_id = ${of.id}
        and (${all} or h.version = ${of.newest}::bigint or coalesce(h.state ->> 'tenantId' = any(${tenantIds}::text[]), ${shared}))
    )
    select h.version, h.type, h.recorded_at as "recordedAt", h.principal_id as "principalId", h.principal_type as "principalType",
      h.state, p.state as "stateBefore"
    from seen h left join seen p on p.version = h.version - 1
    where ${of.before}::bigint is null or h.version < ${of.before}::bigint
    order by h.version desc limit ${of.limit}`;
}

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

/** Versions below `before`, each with the one before it where that may be seen too; `tenantIds` are as the states have them. */
export async function listVersions(
  db: Database,
  of: { id: string; before: number | null; tenantIds: readonly string[] | null; limit: number },
): Promise<readonly NodeVersionRow[]> {
  return db.sql<NodeVersionRow & Record<string, unknown>>`
    select h.version, h.type, h.recorded_at as "recordedAt", h.principal_id as "principalId", h.principal_type as "principalType",
      h.state, p.state as "stateBefore"
    from node_history h
    left join node_history p on p.node_id = h.node_id and p.version = h.version - 1
      and (${of.tenantIds}::text[] is null or p.state ->> 'tenantId' = any(${of.tenantIds}::text[]))
    where h.node_id = ${of.id} and (${of.before}::bigint is null or h.version < ${of.before}::bigint)
      and (${of.tenantIds}::text[] is null or h.state ->> 'tenantId' = any(${of.tenantIds}::text[]))
    order by h.version desc limit ${of.limit}`;
}

// What the stream of events reads. Nothing here locks or writes; a page walks record_by_log and examines a bounded number of records.
import type { AuditRecord } from '@sentral/contracts/audit/record';
import type { On } from '../reading.js';

/** The log of a tenant, or of the platform. */
export async function findLogOf(
  on: On,
  tenantId: string | null,
): Promise<{ readonly id: string; readonly size: number; readonly floor: number } | undefined> {
  const rows = await on.unsafe(
    tenantId === null
      ? `select id, size, floor from audit.log where kind = 'platform'`
      : `select id, size, floor from audit.log where kind = 'tenant' and tenant_id = $1`,
    tenantId === null ? [] : [tenantId],
  );
  return rows[0] as unknown as { id: string; size: number; floor: number } | undefined;
}

export interface EventRow {
  readonly seq: number;
  readonly id: string;
  readonly action: string;
  readonly occurredAt: string;
  readonly resource: { readonly type: string; readonly id: string; readonly version: number };
  readonly scope: AuditRecord['scope'];
  readonly event: Record<string, unknown> | null;
}

export async function listEventRows(
  on: On,
  { logId, afterSeq, limit }: { logId: string; afterSeq: number; limit: number },
): Promise<readonly EventRow[]> {
  const rows = await on.unsafe(
    `select seq, id, action, record ->> 'occurredAt' as "occurredAt", record -> 'resource' as resource, record -> 'scope' as scope, event
     from audit.record where log_id = $1 and seq > $2 order by seq limit $3`,
    [logId, afterSeq, limit],
  );
  return rows as unknown as readonly EventRow[];
}

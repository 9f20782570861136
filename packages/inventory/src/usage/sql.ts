// One lock: the scope's row, for update, against the key share that a new allocation takes.
import type { Tx } from '@sentral/kernel/database';

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

// Reads only. What is counted is asked under the scope's lock (kernel/scopes/view), so nothing can join it. READ COMMITTED.
import type { ScopeKind } from '@sentral/contracts/contract';
import type { Database, Tx } from '@sentral/kernel/database';

export interface KnownScope {
  readonly kind: ScopeKind;
  readonly tenantId: string | null;
}

/** A scope as it is known here; undefined for one that was not heard of. */
export async function findScope(on: Pick<Database | Tx, 'unsafe'>, id: string): Promise<KnownScope | undefined> {
  const [row] = await on.unsafe('select kind, tenant_id as "tenantId" from scope_view where id = $1::uuid', [id]);
  return row as unknown as KnownScope | undefined;
}

export const columnOf = { tenant: 'tenant_id', project: 'project_id', environment: 'environment_id' } as const;

/** The statement of a level, for the test that reads its plan: live tasks are found by their tenant, whatever lies in it. */
export const livingStatement = (level: keyof typeof columnOf): string =>
  `select count(*)::int as count, (array_agg(t.id::text order by t.id))[1:20] as ids
   from task t where t.finished_at is null and t.tenant_id = $1::uuid and t.${columnOf[level]} = $2::uuid`;

/** How many tasks of a scope have not ended, and up to twenty of them. */
export async function listLiving(
  tx: Tx,
  scope: { id: string; kind: keyof typeof columnOf; tenantId: string },
): Promise<{ count: number; ids: readonly string[] }> {
  const [row] = await tx.unsafe(livingStatement(scope.kind), [scope.tenantId, scope.id]);
  return { count: Number(row?.['count'] ?? 0), ids: (row?.['ids'] ?? []) as string[] };
}

/** How many tasks of a tenant run now, and the limit that was set; undefined for a tenant that was not heard of. */
export async function findRunning(
  on: Database,
  tenantId: string,
): Promise<{ running: number; limit: number | null } | undefined> {
  const [row] = await on.sql<{ running: number; limit: number | null }>`
    select coalesce(l.running, 0) as running,
      (select (e->>'limit')::bigint from jsonb_array_elements(s.limits) e where e->>'dimension' = 'task.running') as "limit"
    from scope_view s left join lane l on l.tenant_id = s.id where s.id = ${tenantId}::uuid and s.kind = 'tenant'`;
  return row;
}

// The lanes follow the limits of their tenants (kernel/scopes). Locked after the rows of scopes and by tenant, as everywhere the
// last rows of a transaction. READ COMMITTED.
import type { ScopeRow } from '@sentral/contracts/contract';
import type { Tx } from '@sentral/kernel/database';
import { limitsOf, scopeUuid, type ScopeView } from '@sentral/kernel/scopes/view';

/** What this context knows of tenancy's scopes. Whoever makes a task locks its path first (`lockScopePath`, `expectActive`). */
export const scopes: ScopeView = { schema: 'task', follow: amendLanes };

/** How many tasks of a tenant run at once where nobody has limited them: the default of the column. */
const runningDefault = 20;

/** `task.running` is a bound of admission: lowered below what runs, it keeps others waiting and stops nobody. */
async function amendLanes(tx: Tx, rows: readonly ScopeRow[]): Promise<void> {
  const lanes = rows
    .filter(({ kind }) => kind === 'tenant')
    .map((row) => ({ id: scopeUuid(row.id), limit: limitsOf('task', row)[0]?.limit ?? runningDefault }));
  if (lanes.length === 0) return;
  await tx.sql`
    insert into lane as l (tenant_id, max_running)
    select w.id, least(w.bound, 2147483647)
    from unnest(${lanes.map(({ id }) => id)}::uuid[], ${lanes.map(({ limit }) => limit)}::bigint[]) as w(id, bound) order by w.id
    on conflict (tenant_id) do update set max_running = excluded.max_running where l.max_running <> excluded.max_running`;
}

// One row a verb, after the installation row (scope/sql.ts, lock order).
import type { ServiceAccount } from '@sentral/contracts/tenancy/principal';
import type { Tx } from '@sentral/kernel/database';
import { shared, tenantOf, type Noun, type Stored } from '../scoped.js';

export interface AccountRow extends Stored {
  readonly name: string;
  readonly displayName: string | null;
  readonly state: 'active' | 'disabled' | 'removed';
}

export const accounts: Noun<'sac', AccountRow, ServiceAccount> = {
  name: 'serviceAccount',
  prefix: 'sac',
  // A removed account is as missing as one that never was.
  table: `(select * from tenancy.principal where kind = 'service' and state <> 'removed')`,
  columns: 'x.name, x.display_name as "displayName", x.state',
  to: (row) => ({
    ...shared(row, 'sac', 'serviceAccount'),
    scopeId: shared(row, 'sac', 'serviceAccount').scopeId as ServiceAccount['scopeId'],
    ...tenantOf(row),
    name: row.name,
    ...(row.displayName === null ? {} : { displayName: row.displayName }),
    state: row.state === 'active' ? 'active' : 'disabled',
  }),
};

export async function insertAccount(
  tx: Tx,
  account: { id: string; scopeId: string; tenantId: string | null; name: string; displayName: string | null },
): Promise<void> {
  await tx.sql`
    insert into tenancy.principal (id, kind, issuer, subject, scope_id, tenant_id, name, display_name)
    values (${account.id}::uuid, 'service', 'sentral', ${account.id}, ${account.scopeId}::uuid, ${account.tenantId}::uuid, ${account.name}, ${account.displayName})`;
}

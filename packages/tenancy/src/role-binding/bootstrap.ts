import type { Tx } from '@sentral/kernel/database';
import type { Change } from '../change.js';
import { accounts } from '../service-account/sql.js';
import { findScoped, scopedChange } from '../scoped.js';
import { amendPrincipal } from '../user/sql.js';

/** The name of the account that `bootstrap-admin --token-file` makes. */
export const bootstrapName = 'bootstrap';

/** The account that opened the house goes with the first lasting administrator beside it. */
export async function retireBootstrap(tx: Tx, newAdministrator: string | null): Promise<readonly Change[]> {
  const [account] = await tx.sql<{ id: string }>`
    select p.id from tenancy.principal p
    where p.kind = 'service' and p.name = ${bootstrapName} and p.tenant_id is null and p.state = 'active' and p.id is distinct from ${newAdministrator}::uuid
    for no key update`;
  if (account === undefined) return [];
  const before = await findScoped(tx, accounts, account.id);
  await amendPrincipal(tx, account.id, { displayName: before.displayName, state: 'disabled' });
  const after = await findScoped(tx, accounts, account.id);
  return [scopedChange(accounts, 'amended', { before, after })];
}

// What goes with a scope for good; all under the locks of access and of the scope (scope/sql.ts, lock order).
import type { Tx } from '@sentral/kernel/database';

interface Ended {
  readonly id: string;
  readonly version: number;
}

export async function deletePolicyOf(tx: Tx, scopeId: string): Promise<Ended | undefined> {
  await tx.sql`delete from tenancy.policy_binding where scope_id = ${scopeId}::uuid`;
  const [row] = await tx.sql<Ended & object>`
    delete from tenancy.policy where scope_id = ${scopeId}::uuid returning id, version`;
  return row;
}

export async function listAccountsOf(tx: Tx, scopeId: string): Promise<readonly Ended[]> {
  return tx.sql<Ended & object>`
    select id, version from tenancy.principal where scope_id = ${scopeId}::uuid order by id`;
}

export async function listTokensOf(tx: Tx, scopeId: string): Promise<readonly Ended[]> {
  return tx.sql<Ended & object>`
    select t.id, t.version from tenancy.token t join tenancy.principal p on p.id = t.service_account_id
    where p.scope_id = ${scopeId}::uuid order by t.id`;
}

/** Service accounts of the scope with their tokens and what proves those. */
export async function deletePrincipals(tx: Tx, scopeId: string): Promise<void> {
  await tx.sql`
    delete from tenancy.token_use u using tenancy.token t, tenancy.principal p
    where t.id = u.token_id and p.id = t.service_account_id and p.scope_id = ${scopeId}::uuid`;
  await tx.sql`
    delete from tenancy.token_secret x using tenancy.token t, tenancy.principal p
    where t.id = x.token_id and p.id = t.service_account_id and p.scope_id = ${scopeId}::uuid`;
  await tx.sql`
    delete from tenancy.token t using tenancy.principal p where p.id = t.service_account_id and p.scope_id = ${scopeId}::uuid`;
  await tx.sql`delete from tenancy.principal where scope_id = ${scopeId}::uuid`;
}

/** Its keys and counters go by cascade. */
export async function deleteScopeRow(tx: Tx, id: string): Promise<void> {
  await tx.sql`delete from tenancy.scope where id = ${id}::uuid`;
}

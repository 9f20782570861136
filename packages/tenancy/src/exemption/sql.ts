// Lock order: installation first, then the scope, then exemptions by id (scope/sql.ts).
import type { Exemption } from '@sentral/contracts/tenancy/policy';
import type { Tx } from '@sentral/kernel/database';
import type { StoredScope } from '../scope/row.js';
import { shared, type Noun, type Stored } from '../scoped.js';

export interface ExemptionRow extends Stored {
  readonly key: string;
  readonly reason: string;
  readonly approvedBy: string;
  readonly expiresAt: Date;
  readonly expired: boolean;
  /** Later than a year from now: longer than an exemption may be. */
  readonly tooLong: boolean;
}

export const exemptions: Noun<'pex', ExemptionRow, Exemption> = {
  name: 'policyExemption',
  prefix: 'pex',
  table: 'tenancy.policy_exemption',
  columns: `x.key, x.reason, x.approved_by as "approvedBy", x.expires_at as "expiresAt", x.expires_at <= now() as expired,
    x.expires_at > now() + interval '366 days' as "tooLong"`,
  to: (row) => ({
    ...shared(row, 'pex', 'policyExemption'),
    key: row.key,
    reason: row.reason,
    approvedBy: row.approvedBy,
    expiresAt: row.expiresAt.toISOString(),
  }),
};

export async function insertExemption(
  tx: Tx,
  exemption: { id: string; scope: StoredScope; key: string; reason: string; approvedBy: string; expiresAt: string },
): Promise<void> {
  const { scope } = exemption;
  await tx.sql`
    insert into tenancy.policy_exemption (id, scope_id, tenant_id, key, reason, approved_by, expires_at)
    values (${exemption.id}::uuid, ${scope.id}::uuid, ${scope.tenantId}::uuid, ${exemption.key}, ${exemption.reason}, ${exemption.approvedBy}, ${exemption.expiresAt}::timestamptz)`;
}

export async function amendExemptionRow(
  tx: Tx,
  id: string,
  to: { reason: string; expiresAt: Date | string; approvedBy: string },
): Promise<void> {
  await tx.sql`
    update tenancy.policy_exemption set reason = ${to.reason}, expires_at = ${to.expiresAt}::timestamptz, approved_by = ${to.approvedBy}, version = version + 1, updated_at = now()
    where id = ${id}::uuid`;
}

/** For update: one that is over makes room for a new one. */
export async function lockExpiredExemption(tx: Tx, scopeId: string, key: string): Promise<string | undefined> {
  const [row] = await tx.sql<{ id: string }>`
    select id from tenancy.policy_exemption where scope_id = ${scopeId}::uuid and key = ${key} and expires_at <= now() for update`;
  return row?.id;
}

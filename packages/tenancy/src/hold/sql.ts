// Lock order: the scope first, then holds by id (scope/sql.ts).
import type { Hold } from '@sentral/contracts/tenancy/hold';
import type { Tx } from '@sentral/kernel/database';
import type { StoredScope } from '../scope/row.js';
import { shared, type Noun, type Stored } from '../scoped.js';

export interface HoldRow extends Stored {
  readonly resourceId: string | null;
  readonly origin: string;
  readonly reason: string;
  readonly createdBy: string;
  readonly expiresAt: Date | null;
  readonly expired: boolean;
}

export const holds: Noun<'hol', HoldRow, Hold> = {
  name: 'hold',
  prefix: 'hol',
  table: 'tenancy.hold',
  columns: `x.resource_id as "resourceId", x.origin, x.reason, x.created_by as "createdBy", x.expires_at as "expiresAt",
    coalesce(x.expires_at <= now(), false) as expired`,
  to: (row) => ({
    ...shared(row, 'hol', 'hold'),
    ...(row.resourceId === null ? {} : { resourceId: row.resourceId }),
    origin: row.origin,
    reason: row.reason,
    createdBy: row.createdBy,
    ...(row.expiresAt === null ? {} : { expiresAt: row.expiresAt.toISOString() }),
  }),
};

export async function insertHold(
  tx: Tx,
  hold: {
    id: string;
    scope: StoredScope;
    resourceId: string | null;
    origin: string;
    reason: string;
    createdBy: string;
    expiresAt: string | null;
  },
): Promise<void> {
  await tx.sql`
    insert into tenancy.hold (id, scope_id, tenant_id, resource_id, origin, reason, created_by, expires_at)
    values (${hold.id}::uuid, ${hold.scope.id}::uuid, ${hold.scope.tenantId}::uuid, ${hold.resourceId}, ${hold.origin}, ${hold.reason},
      ${hold.createdBy}, ${hold.expiresAt}::timestamptz)`;
}

export async function amendHoldRow(
  tx: Tx,
  id: string,
  to: { reason: string; expiresAt: Date | string | null },
): Promise<void> {
  await tx.sql`
    update tenancy.hold set reason = ${to.reason}, expires_at = ${to.expiresAt}::timestamptz, version = version + 1, updated_at = now()
    where id = ${id}::uuid`;
}

/** Live holds on a scope and on the things in it, oldest first. */
export async function listLiveHolds(
  tx: Tx,
  scopeId: string,
): Promise<readonly { id: string; origin: string; reason: string }[]> {
  return tx.sql<{ id: string; origin: string; reason: string }>`
    select id, origin, reason from tenancy.hold
    where scope_id = ${scopeId}::uuid and (expires_at is null or expires_at > now()) order by id limit 20`;
}

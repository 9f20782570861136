// The first lock of every transaction that changes access or policy (scope/sql.ts, lock order): such changes pass one after
// another, so a guard that looks at other bindings cannot be passed by one that is being taken away.
import type { Database, Tx } from '@sentral/kernel/database';

/** Counts one more change of access; for update until commit. */
export async function lockAccess(tx: Tx): Promise<number> {
  const [row] = await tx.sql<{ epoch: number }>`
    update tenancy.installation set access_epoch = access_epoch + 1 where one returning access_epoch as epoch`;
  return Number(row?.epoch);
}

/** Counts one more change of policy; for update until commit. */
export async function lockPolicy(tx: Tx): Promise<number> {
  const [row] = await tx.sql<{ version: number }>`
    update tenancy.installation set policy_version = policy_version + 1 where one returning policy_version as version`;
  return Number(row?.version);
}

/** What the door asks before every change: three lookups by key. */
export async function findInstallation(
  on: Pick<Database | Tx, 'sql'>,
): Promise<{ epoch: number; administrators: number; bootstrapOverride: boolean }> {
  const [row] = await on.sql`
    select i.access_epoch as epoch, coalesce(i.overridden_at > now() - interval '24 hours', false) as overridden,
       (select count(*) from (select from tenancy.role_binding b left join tenancy.principal p on p.id = b.principal_id
         where b.scope_id = '00000000-0000-0000-0000-000000000000' and b.role = 'platform-admin'
           and (b.expires_at is null or b.expires_at > now()) and (p.id is null or p.state = 'active') limit 100) live) as administrators
     from tenancy.installation i`;
  return {
    epoch: Number(row?.['epoch'] ?? 0),
    administrators: Number(row?.['administrators'] ?? 0),
    bootstrapOverride: row?.['overridden'] === true,
  };
}

/** An administrator was made over the head of those there are: told for a day. */
export async function amendOverride(tx: Tx): Promise<void> {
  await tx.sql`update tenancy.installation set overridden_at = now() where one`;
}

/** The first start in production leaves its mark: no development issuer opens this database again. */
export async function noteProduction(db: Database): Promise<void> {
  await db.sql`update tenancy.installation set production_since = now() where one and production_since is null`;
}

export async function isProductionDatabase(db: Database): Promise<boolean> {
  const [row] = await db.sql<{ since: Date | null }>`select production_since as since from tenancy.installation`;
  return row?.since != null;
}

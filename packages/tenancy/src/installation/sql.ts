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

/** The access epoch, one key read. */
export async function findEpoch(on: Pick<Database | Tx, 'unsafe'>): Promise<number> {
  const [row] = await on.unsafe('select access_epoch as epoch from tenancy.installation');
  return Number(row?.['epoch'] ?? 0);
}

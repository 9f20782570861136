import type { Database } from '@sentral/kernel/database';
import { restoreFeed as restore } from '@sentral/kernel/feed';
import { inTransaction } from '@sentral/kernel/transaction';

export {
  bootstrapAdmin,
  grantOwner,
  type Bootstrap,
  type Bootstrapped,
  type NamedPerson,
} from './role-binding/operate.js';

/**
 * Makes the feed number on in this cluster, after a restore from a dump or a move; run with the migrator's login while nothing writes.
 * `confirmedPos` is what audit has confirmed already: numbering never falls back behind it.
 */
export function restoreFeed(db: Database, confirmedPos = 0): ReturnType<typeof restore> {
  return inTransaction(db, async (tx) => {
    await tx.unsafe('set local role tenancy_owner');
    return restore(tx, 'tenancy', confirmedPos);
  });
}

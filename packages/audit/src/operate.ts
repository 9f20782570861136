import type { Database } from '@sentral/kernel/database';
import { restoreFeed as restore } from '@sentral/kernel/feed';
import { inTransaction } from '@sentral/kernel/transaction';
import { wantRounds } from './completeness/sql.js';
import type { Outside } from './verify/outside.js';
import { verifyAudit as verify, type Verified } from './verify/verify.js';

export { createKeyring, createSeal, readKeys } from './seal.js';
export { readOutside, verifyExportIn } from './verify/outside.js';

/**
 * Makes the feed number on in this cluster, after a restore from a dump or a move; run with the migrator's login while nothing writes.
 * `confirmedPos` is what audit has confirmed already: numbering never falls back behind it.
 */
export function restoreFeed(db: Database, confirmedPos = 0): ReturnType<typeof restore> {
  return inTransaction(db, async (tx) => {
    await tx.unsafe('set local role audit_owner');
    return restore(tx, 'audit', confirmedPos);
  });
}

/** Makes the months that will be needed; run with the migrator's login. */
export function keepHouse(db: Database): Promise<void> {
  return inTransaction(db, async (tx) => {
    await tx.unsafe('set local role audit_owner');
    await tx.unsafe('select audit.record_make_partitions(3)');
  });
}

/** Has all facts counted against their records at once, instead of at night; what comes of it, `/readyz` and the platform's log tell. */
export function countAnew(db: Database): Promise<void> {
  return inTransaction(db, async (tx) => {
    await tx.unsafe('set local role audit_owner');
    await wantRounds(tx);
  });
}

/**
 * Computes all logs anew, as they are at one moment, and compares them with what is stored, with the heads that were taken and with signed
 * notes that were kept outside; changes nothing.
 */
export function verifyAudit(db: Database, outside: Outside = { notes: [] }): Promise<Verified> {
  return inTransaction(
    db,
    async (tx) => {
      await tx.unsafe('set local role audit_owner');
      return verify(tx, outside);
    },
    { isolation: 'repeatable read', attempts: 1 },
  );
}

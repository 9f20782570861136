import * as kernel from '@sentral/kernel/change';
import { record } from '@sentral/kernel/feed';
import { inTransaction } from '@sentral/kernel/transaction';
import { itself, schemaName } from '../change.js';
import type { Deps } from '../deps.js';
import { claimSettled, removeFindings } from './sql.js';

/** How many one transaction removes. */
const batch = 200;

/** Removes findings that were resolved half a year ago; how many are left to others and to the next turn. */
export async function purgeFindings(deps: Deps): Promise<number> {
  return inTransaction(deps.db.app, async (tx) => {
    const gone = await claimSettled(tx, batch);
    if (gone.length === 0) return 0;
    await removeFindings(
      tx,
      gone.map(({ id }) => id),
    );
    // A removal is a change like every other: the guard wants its fact, the next version. It is news to nobody.
    await record(
      tx,
      schemaName,
      gone.map(({ id, version }) => ({
        ...kernel.feedEvent(schemaName, itself, { what: 'finding.purged', id, version: version + 1, after: null }),
        event: null,
        audit: null,
      })),
    );
    return gone.length;
  });
}

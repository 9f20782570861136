import type { Implements, ScopeRow } from '@sentral/contracts/contract';
import type { tenancy } from '@sentral/contracts/tenancy';
import { inTransaction } from '@sentral/kernel/transaction';
import { itself } from '../change.js';
import type { Deps } from '../deps.js';
import { applyScopes, listNewer } from './sql.js';

/** As much of tenancy as a projection is filled from. */
export type ScopeSource = Pick<Implements<typeof tenancy>['scope'], 'page'>;

const pageSize = 500;
const rowsMax = 20;

/**
 * Goes through all scopes of the owner once and takes in what is newer: at the first start, after a restore, nightly. `going`
 * is asked after each page whether to go on: it holds the lease longer.
 */
export async function fillProjection(
  deps: Deps,
  source: ScopeSource,
  going: (seen: number) => Promise<boolean> = () => Promise.resolve(true),
): Promise<number> {
  let afterId: ScopeRow['id'] | undefined;
  let seen = 0;
  for (let more = true; more;) {
    const page = await source.page(itself, {
      limit: pageSize,
      ...(afterId === undefined ? {} : { afterId: afterId }),
    });
    // What is known already costs a read. The rest goes in small transactions: nobody who takes something waits long for a row.
    const newer = await listNewer(deps.db.app, page.rows);
    for (let at = 0; at < newer.length; at += rowsMax) {
      const few = newer.slice(at, at + rowsMax);
      await inTransaction(deps.db.app, (tx) => applyScopes(tx, few));
    }
    seen += page.rows.length;
    afterId = page.rows.at(-1)?.id;
    more = page.more && (await going(seen));
  }
  return seen;
}

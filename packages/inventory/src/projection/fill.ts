import type { Caller, Implements, ScopeRow } from '@sentral/contracts/contract';
import type { tenancy } from '@sentral/contracts/tenancy';
import { inTransaction } from '@sentral/kernel/transaction';
import type { Deps } from '../deps.js';
import { applyScopes } from './sql.js';

/** As much of tenancy as a projection is filled from. */
export type ScopeSource = Pick<Implements<typeof tenancy>['scope'], 'page'>;

const itself: Caller = {
  principal: { id: 'inventory', type: 'system' },
  accessEpoch: 0,
  readScope: { all: true },
  scopes: [],
};
const pageSize = 500;

/** Goes through all scopes of the owner once and takes in what is newer: at the first start, after a restore, nightly. */
export async function fillProjection(deps: Deps, source: ScopeSource): Promise<number> {
  let afterId: ScopeRow['id'] | undefined;
  let seen = 0;
  for (let more = true; more;) {
    const page = await source.page(itself, {
      limit: pageSize,
      ...(afterId === undefined ? {} : { afterId: afterId }),
    });
    // Small transactions: nobody who takes something waits long for a row.
    for (const row of page.rows) await inTransaction(deps.db.app, (tx) => applyScopes(tx, [row]));
    seen += page.rows.length;
    afterId = page.rows.at(-1)?.id;
    ({ more } = page);
  }
  return seen;
}

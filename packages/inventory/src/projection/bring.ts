import type { ScopeRow } from '@sentral/contracts/contract';
import { inTransaction } from '@sentral/kernel/transaction';
import type { Deps } from '../deps.js';
import { applyScopes, listNewer } from './sql.js';

/**
 * Takes in what a caller brings along, before its own work begins: a scope made a moment ago works at once. In a short
 * transaction of its own, so that nobody waits for a scope's row through somebody else's taking.
 */
export async function bringForward(deps: Deps, scopes: readonly ScopeRow[]): Promise<void> {
  const newer = await listNewer(deps.db.app, scopes);
  if (newer.length > 0) await inTransaction(deps.db.app, (tx) => applyScopes(tx, newer));
}

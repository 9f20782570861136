import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
import { recordChanges, type Change } from '../change.js';
import type { Deps } from '../deps.js';
import { denyRules } from '../deny-rule/sql.js';
import { exemptions } from '../exemption/sql.js';
import { listLiveHolds, holds } from '../hold/sql.js';
import { lockAccess } from '../installation/sql.js';
import { limits } from '../quota/sql.js';
import { bindings, lockBindingsOf } from '../role-binding/sql.js';
import { deleteScoped, lockAllOn, type Noun, type Stored } from '../scoped.js';
import { deletePolicyOf, deletePrincipals, deleteScopeRow, listAccountsOf, listTokensOf } from './purge-sql.js';
import { wireId } from '../feed/resource.js';
import { tenancyItself } from './dependents.js';
import { feedScopeOf } from './events.js';
import { toScope, type StoredScope } from './row.js';
import { lockScope } from './sql.js';

/**
 * Takes a deleted scope out of the tree for good: its name is free again, and what hung on it goes with it, each with its
 * feed row. A hold keeps it.
 * @throws Problem blocked-by-hold
 */
export async function purgeScope(deps: Deps, id: string): Promise<void> {
  await inTransaction(deps.db.app, async (tx) => {
    await lockAccess(tx);
    const scope = await lockScope(tx, id);
    if (scope?.state !== 'deleted' || scope.purgeAt === null) return;
    const held = await listLiveHolds(tx, id);
    if (held.length > 0)
      throw problem('blocked-by-hold', { holds: held.map((hold) => ({ ...hold, id: encodeId('hol', hold.id) })) });
    await recordChanges(tx, tenancyItself([]), await purged(tx, scope));
  });
}

async function purged(tx: Tx, scope: StoredScope): Promise<readonly Change[]> {
  const gone: Change[] = [];
  const all = async <Row extends Stored, R>(noun: Noun<never, Row, R>) => {
    for (const row of await lockAllOn(tx, noun, scope.id)) gone.push(await deleteScoped(tx, noun, row));
  };
  await all(bindings as never);
  await all(denyRules as never);
  await all(exemptions as never);
  await all(limits as never);
  await all(holds as never);
  const policy = await deletePolicyOf(tx, scope.id);
  const end = (noun: 'policy' | 'token' | 'serviceAccount', row: { id: string; version: number }): Change => ({
    what: `${noun}.purged`,
    event: { id: wireId(`tenancy.${noun}`, row.id) },
    id: row.id,
    version: row.version + 1,
    before: null,
    after: null,
    scope: feedScopeOf(scope),
  });
  if (policy !== undefined) gone.push(end('policy', policy));
  const accounts = await listAccountsOf(tx, scope.id);
  for (const account of accounts)
    for (const binding of await lockBindingsOf(tx, account.id)) gone.push(await deleteScoped(tx, bindings, binding));
  for (const token of await listTokensOf(tx, scope.id)) gone.push(end('token', token));
  for (const account of accounts) gone.push(end('serviceAccount', account));
  await deletePrincipals(tx, scope.id);
  await deleteScopeRow(tx, scope.id);
  const last: Change = {
    what: 'scope.purged',
    noun: scope.kind,
    id: scope.id,
    version: scope.version + 1,
    before: toScope(scope),
    after: null,
    scope: feedScopeOf(scope),
  };
  return [last, ...gone];
}

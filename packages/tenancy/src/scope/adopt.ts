import { platformScopeUuid, type Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { lockAccess } from '../installation/sql.js';
import { scopeChange } from './events.js';
import { insertOwner } from './owner.js';
import { toProjection, toScope, type StoredScope } from './row.js';
import { slugOf } from './rules.js';
import {
  findByKey,
  findFreeName,
  findProjection,
  findScope,
  insertScope,
  insertScopeKey,
  lockScopePath,
} from './sql.js';

type Adopt = Command<'scope', 'adopt'>;
type Adopted = Result<'scope', 'adopt'>;

/**
 * The tenant that a source knows by this key: found, or made with the named owner. Asked twice it is one tenant. One that is
 * found is told as it is, whatever its state and name: it is its owner's since it was made.
 * @throws Problem reference-not-found | permission-denied
 */
export async function adoptTenant(deps: Deps, caller: Caller, command: Adopt): Promise<Adopted> {
  const ids = { scope: deps.newId(), binding: deps.newId() };
  return inChange(deps, caller, async (tx) => {
    const { source, externalId, mayMake } = command;
    // Mostly it is known, and then nobody's change of access waits for this.
    const known = await findByKey(tx, source, externalId);
    if (known !== undefined) return adopted(tx, known, false);
    if (!mayMake) throw problem('permission-denied', { missingPermission: 'tenancy.tenant.create' });
    // Those who make tenants pass one after another: the key and the free name are looked for under this lock.
    await lockAccess(tx);
    const made = await findByKey(tx, source, externalId);
    return made === undefined ? create({ tx, caller, ids }, command) : adopted(tx, made, false);
  });
}

interface Attempt {
  readonly tx: Tx;
  readonly caller: Caller;
  readonly ids: { readonly scope: string; readonly binding: string };
}

async function create({ tx, caller, ids }: Attempt, command: Adopt): Promise<Adopted> {
  const { source, externalId, displayName, annotations, owner } = command;
  const [parent] = await lockScopePath(tx, platformScopeUuid);
  if (parent === undefined) throw new Error('there is no platform');
  const name = await findFreeName(tx, parent.id, slugOf(displayName));
  await insertScope(tx, { id: ids.scope, kind: 'tenant', parent, name, displayName, labels: {}, annotations });
  await insertScopeKey(tx, { source, externalId, scopeId: ids.scope });
  const row = await findScope(tx, ids.scope, null);
  if (row === undefined) throw new Error('a tenant that was made is not there');
  const binding = await insertOwner(tx, caller, { id: ids.binding, scope: row, owner });
  const change = await scopeChange(tx, { what: 'scope.created', before: null, id: row.id });
  await recordChanges(tx, caller, [change, binding]);
  return adopted(tx, row, true);
}

async function adopted(tx: Tx, row: StoredScope, created: boolean): Promise<Adopted> {
  return { scope: toScope(row), created, projection: toProjection(await findProjection(tx, row.id)) };
}

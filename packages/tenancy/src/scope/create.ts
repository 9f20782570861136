import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { lockAccess } from '../installation/sql.js';
import { countMore } from '../quota/count.js';
import { lockActivePath } from './active.js';
import { scopeChange } from './events.js';
import { insertOwner } from './owner.js';
import { auditOnlyOf, judgePolicy } from './policy.js';
import { kindOfScope, toScope } from './row.js';
import { countersOf, faultsOfShape } from './rules.js';
import { findScope, insertScope, isSoon } from './sql.js';

type Create = Command<'scope', 'create'>;

/**
 * A new tenant, project or environment, usable at once.
 * @throws Problem not-found | already-exists | scope-not-active | quota-exceeded | policy-violation | reference-not-found
 */
export async function createScope(deps: Deps, caller: Caller, command: Create): Promise<Result<'scope', 'create'>> {
  const errors = faultsOfShape({ ...command, parentKind: kindOfScope(command.parentId) });
  if (errors.length > 0) throw problem('validation-failed', { errors });
  const ids = { scope: deps.newId(), binding: deps.newId() };
  return inChange(deps, caller, (tx) => created({ tx, caller, ids }, command));
}

interface Attempt {
  readonly tx: Tx;
  readonly caller: Caller;
  readonly ids: { readonly scope: string; readonly binding: string };
}

async function created({ tx, caller, ids }: Attempt, command: Create): Promise<Result<'scope', 'create'>> {
  if (command.owner !== undefined) await lockAccess(tx);
  // The platform is no secret to whoever may make tenants in it.
  const eyes = command.kind === 'tenant' ? { ...caller, readScope: { all: true as const } } : caller;
  const path = await lockActivePath(tx, eyes, command.parentId);
  const parent = path.at(-1);
  if (parent === undefined) throw problem('not-found', { resourceType: 'scope' });
  if (command.expiresAt !== undefined && !(await isSoon(tx, command.expiresAt))) {
    throw problem('validation-failed', {
      errors: [
        { pointer: '/expiresAt', code: 'out_of_bounds', message: 'must lie in the future, at most a year ahead' },
      ],
    });
  }
  const auditOnly = await judgePolicy(tx, parent.id, command);
  await insertScope(tx, { ...command, id: ids.scope, parent });
  const row = await findScope(tx, ids.scope, null);
  if (row === undefined) throw new Error('a scope that was made is not there');
  const owner =
    command.owner === undefined
      ? []
      : [await insertOwner(tx, caller, { id: ids.binding, scope: row, owner: command.owner })];
  await countMore(tx, countersOf(row));
  const change = await scopeChange(tx, { what: 'scope.created', before: null, id: row.id });
  await recordChanges(tx, caller, [{ ...change, ...auditOnlyOf(auditOnly) }, ...owner]);
  return toScope(row);
}

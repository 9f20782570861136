import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Scope } from '@sentral/contracts/tenancy/scope';
import type { Tx } from '@sentral/kernel/database';
import { type Change, expectVersion, inChange, recordChanges } from '../change.js';
import type { Deps } from '../deps.js';
import { countMore } from '../quota/count.js';
import { visibleOf } from '../reading.js';
import { lockActivePath } from './active.js';
import { scopeChange } from './events.js';
import { kindOfScope, prefixOfScope, scopeId, toScope, uuidOfScope } from './row.js';
import { countersOf, judgeMove, type Move } from './rules.js';
import { amendScopeState, findScope, lockScope } from './sql.js';

interface Moving {
  readonly id: string;
  readonly version?: number | undefined;
  readonly reason?: string | undefined;
  readonly move: Move;
  readonly what: Change['what'] & `scope.${string}`;
}

/** Suspend, resume and restore: one change of state under the scope's lock. */
export async function moveScope(deps: Deps, caller: Caller, moving: Moving): Promise<Scope> {
  return inChange(deps, caller, (tx) => moved(tx, caller, moving));
}

async function moved(tx: Tx, caller: Caller, { id, version, reason, move, what }: Moving): Promise<Scope> {
  const missing = problem('not-found', { resourceType: kindOfScope(id) });
  const seen = await findScope(tx, uuidOfScope(id), visibleOf(caller));
  if (seen === undefined || scopeId(seen.kind, seen.id) !== id) throw missing;
  // Parent before child: what a restored scope lies in must not end meanwhile.
  if (move === 'restore' && seen.parentId !== null && seen.parentKind !== null)
    await lockActivePath(tx, { ...caller, readScope: { all: true } }, scopeId(seen.parentKind, seen.parentId));
  const scope = await lockScope(tx, seen.id);
  if (scope === undefined) throw missing;
  await expectVersion(tx, { prefix: prefixOfScope(scope.kind), id: scope.id, version: scope.version }, version);
  const verdict = judgeMove(scope, move);
  if (!verdict.ok) throw verdict.problem;
  await amendScopeState(tx, scope.id, { state: verdict.state });
  if (move === 'restore') await countMore(tx, countersOf(scope));
  const change = await scopeChange(tx, { what, before: scope, id: scope.id });
  await recordChanges(tx, caller, [{ ...change, ...(reason === undefined ? {} : { reason }) }]);
  return toScope((await findScope(tx, scope.id, null)) ?? scope);
}

import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Scope } from '@sentral/contracts/tenancy/scope';
import type { Tx } from '@sentral/kernel/database';
import { lookUpKeys } from '@sentral/kernel/idempotency';
import { inTransaction } from '@sentral/kernel/transaction';
import { expectVersion, inChange, judged, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { listLiveHolds } from '../hold/sql.js';
import { countLess } from '../quota/count.js';
import { visibleOf } from '../reading.js';
import { askDependents, refuseDependents } from './dependents.js';
import { scopeChange } from './events.js';
import { kindOfScope, prefixOfScope, scopeId, toScope, uuidOfScope, type StoredScope } from './row.js';
import { countersOf } from './rules.js';
import { amendScopeState, findScope, listLiveChildren, lockScope } from './sql.js';

type Remove = Command<'scope', 'remove'>;

/**
 * Deletes a scope softly. `deleting` is committed first, so that from then on nothing begins in it; then every context
 * takes that in and counts; only then it is `deleted`, or what it was. A context that does not answer leaves it `deleting`
 * for the sweep.
 * @throws Problem not-found | version-mismatch | state-conflict | has-dependents | blocked-by-hold | dependency-unavailable
 */
export async function removeScope(deps: Deps, caller: Caller, command: Remove): Promise<Result<'scope', 'remove'>> {
  // Not a change under the caller's key yet: the answer of that is the last step's.
  const begun = await judged(
    inTransaction(deps.db.app, (tx) => begin(tx, caller, command), { rollback: caller.dryRun === true }),
  );
  if ('answer' in begun) return begun.answer;
  if (caller.dryRun === true) {
    refuseDependents(await askDependents(deps, { id: command.id, committed: false }));
    return { ...toScope(begun.scope), state: 'deleted' };
  }
  const dependents = await askDependents(deps, { id: command.id, committed: true });
  if (dependents.found.length > 0) {
    await revert(deps, caller, begun.scope);
    refuseDependents(dependents);
  }
  refuseDependents(dependents);
  return inChange(deps, caller, (tx) => finish(tx, caller, begun.scope));
}

type Begun = { readonly answer: Scope & { readonly replayed?: true } } | { readonly scope: StoredScope };

async function begin(tx: Tx, caller: Caller, command: Remove): Promise<Begun> {
  const answer = await storedAnswer(tx, caller);
  if (answer !== undefined) return { answer: { ...answer, replayed: true } };
  const missing = problem('not-found', { resourceType: kindOfScope(command.id) });
  const seen = await findScope(tx, uuidOfScope(command.id), visibleOf(caller));
  const scope = seen === undefined ? undefined : await lockScope(tx, seen.id);
  if (scope === undefined || scopeId(scope.kind, scope.id) !== command.id || scope.state === 'deleted') throw missing;
  if (scope.kind === 'platform') throw problem('state-conflict', { state: scope.state, allowedStates: [] });
  const prefix = prefixOfScope(scope.kind);
  // A first try that was cut off has moved the version by one: whoever asks again with what it read takes that up.
  const resumed = scope.state === 'deleting' && command.version === scope.version - 1;
  if (!resumed) await expectVersion(tx, { prefix, id: scope.id, version: scope.version }, command.version);
  await refuseHeld(tx, scope);
  await refuseChildren(tx, scope);
  if (scope.state === 'deleting') return { scope };
  await amendScopeState(tx, scope.id, { state: 'deleting', revertsTo: scope.state });
  await recordChanges(tx, caller, [await scopeChange(tx, { what: 'scope.deleting', before: scope, id: scope.id })]);
  return { scope: (await findScope(tx, scope.id, null)) ?? scope };
}

async function storedAnswer(tx: Tx, caller: Caller): Promise<Scope | undefined> {
  if (caller.idempotency === undefined || caller.dryRun === true) return undefined;
  const [verdict] = await lookUpKeys(tx, 'tenancy', [caller.idempotency]);
  if (verdict?.state === 'refused') throw verdict.problem;
  return verdict?.state === 'done' ? (verdict.result as Scope) : undefined;
}

async function refuseHeld(tx: Tx, scope: StoredScope): Promise<void> {
  if (scope.protected) {
    throw problem(
      'state-conflict',
      { state: 'protected', allowedStates: ['unprotected'] },
      'The environment is protected: take the protection off first.',
    );
  }
  const holds = await listLiveHolds(tx, scope.id);
  if (holds.length > 0)
    throw problem('blocked-by-hold', { holds: holds.map((hold) => ({ ...hold, id: encodeId('hol', hold.id) })) });
}

async function refuseChildren(tx: Tx, scope: StoredScope): Promise<void> {
  const children = await listLiveChildren(tx, scope.id);
  const [first] = children;
  if (first === undefined) return;
  const ids = children.map((child) => scopeId(child.kind, child.id));
  throw problem('has-dependents', { dependents: [{ type: first.kind, count: first.count, ids }] });
}

/** Something lives in it: it goes on as what it was. Not under the caller's key, since nothing was done. */
async function revert(deps: Deps, caller: Caller, begun: StoredScope): Promise<void> {
  await inTransaction(deps.db.app, async (tx) => {
    const scope = await lockScope(tx, begun.id);
    if (scope?.state !== 'deleting' || scope.version !== begun.version) return;
    await amendScopeState(tx, scope.id, { state: scope.revertsTo ?? 'active' });
    await recordChanges(tx, caller, [
      await scopeChange(tx, { what: 'scope.deletionStopped', before: scope, id: scope.id }),
    ]);
  });
}

/** Every context has counted under the version that said `deleting`, and nothing can have begun since. */
async function finish(tx: Tx, caller: Caller, begun: StoredScope): Promise<Scope> {
  const scope = await lockScope(tx, begun.id);
  if (scope === undefined) throw problem('not-found', { resourceType: begun.kind });
  if (scope.state === 'deleted') return toScope(scope);
  if (scope.state !== 'deleting' || scope.version !== begun.version)
    throw problem('state-conflict', { state: scope.state, allowedStates: ['deleting'] });
  await amendScopeState(tx, scope.id, { state: 'deleted' });
  await countLess(tx, countersOf(scope));
  await recordChanges(tx, caller, [await scopeChange(tx, { what: 'scope.deleted', before: scope, id: scope.id })]);
  return toScope((await findScope(tx, scope.id, null)) ?? scope);
}

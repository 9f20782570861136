import type { Caller } from '@sentral/contracts/contract';
import { sameJson } from '@sentral/contracts/merge-patch';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { expectVersion, inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { lockPolicy } from '../installation/sql.js';
import { lockToChange } from '../scope/change.js';
import { feedScopeOf, touchScope } from '../scope/events.js';
import { amendPolicyRow, findPolicy, toPolicy } from './sql.js';

type SetCommand = Command<'policy', 'set'>;

/**
 * Replaces what is bound on this very scope. What is set already moves no version.
 * @throws Problem not-found | version-mismatch | state-conflict
 */
export async function setPolicy(deps: Deps, caller: Caller, command: SetCommand): Promise<Result<'policy', 'set'>> {
  const wanted = command.bindings;
  const ids = { policy: deps.newId(), parts: wanted.map(() => deps.newId()) };
  return inChange(deps, caller, (tx) => replaced({ tx, caller, ids, wanted }, command));
}

interface Attempt {
  readonly tx: Tx;
  readonly caller: Caller;
  readonly ids: { readonly policy: string; readonly parts: readonly string[] };
  readonly wanted: SetCommand['bindings'];
}

async function replaced({ tx, caller, ids, wanted }: Attempt, command: SetCommand) {
  const policyVersion = await lockPolicy(tx);
  const scope = await lockToChange(tx, caller, command.scopeId);
  const old = await findPolicy(tx, scope.id);
  await expectPolicyVersion(tx, old, command.version);
  const bindings = wanted.map((binding, at) => ({
    ...binding,
    id: old?.bindings.find(({ key }) => key === binding.key)?.id ?? ids.parts[at] ?? ids.policy,
  }));
  const before = toPolicy(scope, old);
  const sorted = bindings.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  if (sameJson(old?.bindings ?? [], sorted)) return before;
  const id = old?.id ?? ids.policy;
  await amendPolicyRow(tx, scope, { id, bindings: sorted });
  const after = toPolicy(scope, await findPolicy(tx, scope.id));
  const change = { what: 'policy.set' as const, id, version: after.version, scope: feedScopeOf(scope) };
  await recordChanges(tx, caller, [
    { ...change, before: old === undefined ? null : before, after },
    await touchScope(tx, scope, { policyVersion }),
  ]);
  return after;
}

/** @throws Problem version-mismatch; version 0 is the one that nobody has set yet */
async function expectPolicyVersion(
  tx: Tx,
  old: { readonly id: string; readonly version: number } | undefined,
  provided: number | undefined,
): Promise<void> {
  if (old !== undefined) return expectVersion(tx, { prefix: 'plb', id: old.id, version: old.version }, provided);
  if (provided === undefined || provided === 0) return;
  throw problem(
    'version-mismatch',
    { currentVersion: 0, providedVersion: provided },
    'Nothing was ever bound here. Read it again, then decide.',
  );
}

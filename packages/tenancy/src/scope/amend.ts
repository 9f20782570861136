import type { Caller } from '@sentral/contracts/contract';
import { mergePatch, sameJson } from '@sentral/contracts/merge-patch';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { expectVersion, inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { lockToChange } from './change.js';
import { scopeChange } from './events.js';
import { prefixOfScope, toScope, type StoredScope } from './row.js';
import { amendScopeRow, findScope, isSoon } from './sql.js';

type Amend = Command<'scope', 'amend'>;

/**
 * Changes what may be changed of a scope; its name, kind and place may not.
 * @throws Problem not-found | version-mismatch | state-conflict
 */
export async function amendScope(deps: Deps, caller: Caller, command: Amend): Promise<Result<'scope', 'amend'>> {
  return inChange(deps, caller, (tx) => amended(tx, caller, command));
}

async function amended(tx: Tx, caller: Caller, { id, version, patch }: Amend): Promise<Result<'scope', 'amend'>> {
  const scope = await lockToChange(tx, caller, id);
  await expectVersion(tx, { prefix: prefixOfScope(scope.kind), id: scope.id, version: scope.version }, version);
  expectPlace(scope, patch);
  if (patch.expiresAt !== undefined && !(await isSoon(tx, patch.expiresAt))) {
    throw problem('validation-failed', {
      errors: [
        { pointer: '/expiresAt', code: 'out_of_bounds', message: 'must lie in the future, at most a year ahead' },
      ],
    });
  }
  const from = {
    displayName: scope.displayName,
    labels: scope.labels,
    annotations: scope.annotations,
    expiresAt: scope.expiresAt?.toISOString() ?? null,
    protected: scope.protected,
  };
  const to = {
    displayName: patch.displayName === undefined ? from.displayName : patch.displayName,
    labels: mergePatch(from.labels, patch.labels ?? {}) as Record<string, string>,
    annotations: mergePatch(from.annotations, patch.annotations ?? {}) as Record<string, string>,
    expiresAt: patch.expiresAt === undefined ? from.expiresAt : new Date(patch.expiresAt).toISOString(),
    protected: patch.protected ?? from.protected,
  };
  if (sameJson(from, to)) return toScope(scope);
  expectSize(to);
  await amendScopeRow(tx, scope.id, to);
  await recordChanges(tx, caller, [await scopeChange(tx, { what: 'scope.changed', before: scope, id: scope.id })]);
  return toScope((await findScope(tx, scope.id, null)) ?? scope);
}

function expectPlace(scope: StoredScope, patch: Amend['patch']): void {
  const errors = [
    ...(patch.protected !== undefined && scope.kind !== 'environment'
      ? [{ pointer: '/protected', code: 'not_here', message: 'only environments are protected' }]
      : []),
    ...(patch.expiresAt !== undefined && scope.class !== 'ephemeral'
      ? [{ pointer: '/expiresAt', code: 'not_here', message: 'only ephemeral environments end by themselves' }]
      : []),
  ];
  if (errors.length > 0) throw problem('validation-failed', { errors });
}

/** A patch adds to what is there, so the bounds are asked again of the whole. */
function expectSize(to: { labels: Record<string, string>; annotations: Record<string, string> }): void {
  const errors = [
    ...(Object.keys(to.labels).length > 64
      ? [{ pointer: '/labels', code: 'too_many', message: 'must be at most 64 in all' }]
      : []),
    ...(Buffer.byteLength(JSON.stringify(to.annotations)) > 64 * 1024
      ? [{ pointer: '/annotations', code: 'too_large', message: 'must hold at most 64 KiB in all' }]
      : []),
  ];
  if (errors.length > 0) throw problem('validation-failed', { errors });
}

import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import { type Change, inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { lockPolicy } from '../installation/sql.js';
import { touchScope } from '../scope/events.js';
import { lockToChange } from '../scope/change.js';
import { deleteScoped, findScoped, scopedChange } from '../scoped.js';
import { exemptions, insertExemption, lockExpiredExemption, type ExemptionRow } from './sql.js';

/**
 * Lifts a policy on a scope and below, until a time and for a reason.
 * @throws Problem not-found | already-exists | state-conflict
 */
export async function createExemption(
  deps: Deps,
  caller: Caller,
  command: Command<'exemption', 'create'>,
): Promise<Result<'exemption', 'create'>> {
  const id = deps.newId();
  return inChange(deps, caller, async (tx) => {
    const policyVersion = await lockPolicy(tx);
    const scope = await lockToChange(tx, caller, command.scopeId);
    const old = await lockExpiredExemption(tx, scope.id, command.key);
    const ended: Change[] =
      old === undefined ? [] : [await deleteScoped(tx, exemptions, await findScoped(tx, exemptions, old))];
    const { key, reason, expiresAt } = command;
    await insertExemption(tx, { id, scope, key, reason, expiresAt, approvedBy: caller.principal.id });
    const after = await findScoped(tx, exemptions, id);
    expectEnd(after);
    await recordChanges(tx, caller, [
      scopedChange(exemptions, 'created', { before: null, after }),
      ...ended,
      await touchScope(tx, scope, { policyVersion }),
    ]);
    return exemptions.to(after);
  });
}

/** @throws Problem validation-failed for an end in the past, or more than a year ahead */
export function expectEnd(row: ExemptionRow): void {
  if (!row.expired && !row.tooLong) return;
  throw problem('validation-failed', {
    errors: [{ pointer: '/expiresAt', code: 'out_of_bounds', message: 'must lie in the future, at most a year ahead' }],
  });
}

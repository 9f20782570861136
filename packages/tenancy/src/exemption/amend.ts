import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { lockPolicy } from '../installation/sql.js';
import { touchScope } from '../scope/events.js';
import { findScoped, lockHome, lockScoped, scopedChange } from '../scoped.js';
import { expectEnd } from './create.js';
import { amendExemptionRow, exemptions } from './sql.js';

/**
 * Changes until when a policy is lifted, and why.
 * @throws Problem not-found | version-mismatch
 */
export async function amendExemption(
  deps: Deps,
  caller: Caller,
  command: Command<'exemption', 'amend'>,
): Promise<Result<'exemption', 'amend'>> {
  const id = decodeId('pex', command.id);
  return inChange(deps, caller, async (tx) => {
    const policyVersion = await lockPolicy(tx);
    const scope = await lockHome(tx, caller, { noun: exemptions, id });
    const before = await lockScoped(tx, caller, { noun: exemptions, id, version: command.version });
    const { reason = before.reason, expiresAt = before.expiresAt } = command.patch;
    // Whoever lets it last longer answers for it from then on.
    const longer = new Date(expiresAt) > before.expiresAt;
    await amendExemptionRow(tx, id, {
      reason,
      expiresAt,
      approvedBy: longer ? caller.principal.id : before.approvedBy,
    });
    const after = await findScoped(tx, exemptions, id);
    if (command.patch.expiresAt !== undefined) expectEnd(after);
    await recordChanges(tx, caller, [
      scopedChange(exemptions, 'amended', { before, after }),
      await touchScope(tx, scope, { policyVersion }),
    ]);
    return exemptions.to(after);
  });
}

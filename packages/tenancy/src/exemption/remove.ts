import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { lockPolicy } from '../installation/sql.js';
import { touchScope } from '../scope/events.js';
import { deleteScoped, lockHome, lockScoped } from '../scoped.js';
import { exemptions } from './sql.js';

/**
 * Ends an exemption: the policy holds again.
 * @throws Problem not-found | version-mismatch
 */
export async function removeExemption(
  deps: Deps,
  caller: Caller,
  command: Command<'exemption', 'remove'>,
): Promise<Result<'exemption', 'remove'>> {
  const id = decodeId('pex', command.id);
  return inChange(deps, caller, async (tx) => {
    const policyVersion = await lockPolicy(tx);
    const scope = await lockHome(tx, caller, { noun: exemptions, id });
    const before = await lockScoped(tx, caller, { noun: exemptions, id, version: command.version });
    const gone = await deleteScoped(tx, exemptions, before);
    await recordChanges(tx, caller, [gone, await touchScope(tx, scope, { policyVersion })]);
    return exemptions.to(before);
  });
}

import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { inChange } from '@sentral/kernel/change';
import { schemaName } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { eraseSubjectKeys, findErasureEnd } from './sql.js';

/**
 * Makes what records hold of a person unreadable for good. The sequencer does the same when it reads that tenancy has forgotten it, so that nothing hangs
 * on who calls this; that record is the one that tells of it.
 * @throws Problem permission-denied
 */
export async function eraseSubject(
  deps: Deps,
  caller: Caller,
  command: Command<'subject', 'erase'>,
): Promise<Result<'subject', 'erase'>> {
  if (!('all' in caller.readScope) && caller.readScope.platform !== true)
    throw problem('permission-denied', { missingPermission: 'tenancy.user.erase' });
  const id = decodeId('usr', command.id);
  return inChange(deps.db.app, schemaName, {
    caller,
    constraints: {},
    work: async (tx) => {
      await eraseSubjectKeys(tx, [id]);
      return { completeBy: (await findErasureEnd(tx, id)).toISOString() };
    },
  });
}

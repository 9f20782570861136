import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { expectVersion } from '@sentral/kernel/change';
import { inChange, recordChange, schemaName } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { visibleOf } from '../reading.js';
import { endLegalHoldRow, lockLegalHold, toLegalHold } from './sql.js';

/**
 * Ends a legal hold: its months go with the next round, unless another one wants them.
 * @throws Problem not-found | version-mismatch
 */
export async function endLegalHold(
  deps: Deps,
  caller: Caller,
  { id, version, reason }: Command<'legalHold', 'end'>,
): Promise<Result<'legalHold', 'end'>> {
  return inChange(deps, caller, async (tx) => {
    const before = await lockLegalHold(tx, decodeId('lgh', id), visibleOf(caller));
    const current = { prefix: 'lgh' as const, id: before.id, version: before.version };
    await expectVersion(tx, schemaName, { current, provided: version });
    if (before.endedAt !== null) return toLegalHold(before);
    const row = await endLegalHoldRow(tx, before.id, reason);
    const after = toLegalHold(row);
    await recordChange(tx, caller, { what: 'legalHold.ended', row, before: toLegalHold(before), after });
    return after;
  });
}

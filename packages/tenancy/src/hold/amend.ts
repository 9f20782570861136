import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { touchScope } from '../scope/events.js';
import { findScoped, lockHome, lockScoped, scopedChange } from '../scoped.js';
import { amendHoldRow, holds } from './sql.js';

/**
 * Changes why it is held, and until when.
 * @throws Problem not-found | version-mismatch
 */
export async function amendHold(
  deps: Deps,
  caller: Caller,
  command: Command<'hold', 'amend'>,
): Promise<Result<'hold', 'amend'>> {
  const id = decodeId('hol', command.id);
  return inChange(deps, caller, async (tx) => {
    const scope = await lockHome(tx, caller, { noun: holds, id });
    const before = await lockScoped(tx, caller, { noun: holds, id, version: command.version });
    const { reason = before.reason, expiresAt = before.expiresAt } = command.patch;
    await amendHoldRow(tx, id, { reason, expiresAt });
    const after = await findScoped(tx, holds, id);
    await recordChanges(tx, caller, [scopedChange(holds, 'amended', { before, after }), await touchScope(tx, scope)]);
    return holds.to(after);
  });
}

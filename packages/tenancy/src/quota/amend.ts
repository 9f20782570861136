import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { ownerOfDimension } from '@sentral/contracts/quota';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { touchScope } from '../scope/events.js';
import { findScoped, lockHome, lockScoped, scopedChange } from '../scoped.js';
import { amendLimitRow, limits, upsertQuotaCap } from './sql.js';

/**
 * Moves a limit; one below use stops growth and nothing else.
 * @throws Problem not-found | version-mismatch
 */
export async function amendQuota(
  deps: Deps,
  caller: Caller,
  command: Command<'quota', 'amend'>,
): Promise<Result<'quota', 'amend'>> {
  const id = decodeId('qta', command.id);
  return inChange(deps, caller, async (tx) => {
    const scope = await lockHome(tx, caller, { noun: limits, id });
    const before = await lockScoped(tx, caller, { noun: limits, id, version: command.version });
    const { limit = before.limit } = command.patch;
    if (limit === before.limit) return limits.to(before);
    await amendLimitRow(tx, id, limit);
    if (ownerOfDimension(before.dimension) === 'tenancy')
      await upsertQuotaCap(tx, scope.id, { dimension: before.dimension, cap: limit });
    const after = await findScoped(tx, limits, id);
    await recordChanges(tx, caller, [scopedChange(limits, 'amended', { before, after }), await touchScope(tx, scope)]);
    return limits.to(after);
  });
}

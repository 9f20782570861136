import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { NumberRange } from '@sentral/contracts/inventory/number-range';
import { mergePatch, sameJson } from '@sentral/contracts/merge-patch';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { findDomain } from '../number-domain/sql.js';
import { sightOf } from '../reading.js';
import { expectVersion } from '../version.js';
import { rangeFault } from './rules.js';
import { amendRangeRow, findRange, lockRange, toRange } from './sql.js';

/**
 * Moves the bounds of a range; numbers already given outside of them stay given.
 * @throws Problem not-found, version-mismatch, allocation-conflict, amount-not-allowed
 */
export async function amendRange(
  deps: Deps,
  caller: Caller,
  command: Command<'numberRange', 'amend'>,
): Promise<NumberRange> {
  return inChange(deps, caller, (tx) => amended(tx, caller, command));
}

async function amended(
  tx: Tx,
  caller: Caller,
  { id: rangeId, version, patch }: Command<'numberRange', 'amend'>,
): Promise<NumberRange> {
  const id = decodeId('rng', rangeId);
  const current = await lockRange(tx, sightOf(caller), id);
  if (current === undefined) throw problem('not-found', { resourceType: 'numberRange' });
  await expectVersion(tx, { prefix: 'rng', id, version: current.version }, version);
  const from = { start: current.start, end: current.end, attributes: current.attributes };
  const to = {
    start: patch.start ?? from.start,
    end: patch.end ?? from.end,
    attributes: patch.attributes === undefined ? from.attributes : mergePatch(from.attributes, patch.attributes),
  };
  if (sameJson(from, to)) return toRange(current);
  const kind = (await findDomain(tx, 'everything', current.domainId))?.kind ?? '';
  const fault = rangeFault(kind, to);
  if (fault !== undefined) throw problem('amount-not-allowed', { ...fault, class: kind });
  await amendRangeRow(tx, id, to);
  const row = await findRange(tx, 'everything', id);
  if (row === undefined) throw new Error('a range that was amended is not there');
  const after = toRange(row);
  await recordChanges(tx, caller, [
    { what: 'numberRange.amended', id, version: row.version, before: toRange(current), after },
  ]);
  return after;
}

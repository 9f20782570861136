import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { AddressSpace } from '@sentral/contracts/inventory/address-space';
import { mergePatch, sameJson } from '@sentral/contracts/merge-patch';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { sightOf } from '../reading.js';
import { expectVersion } from '../version.js';
import { amendSpaceRow, findSpace, lockSpace, toSpace } from './sql.js';

/**
 * Changes what is named in the patch.
 * @throws Problem not-found, version-mismatch, already-exists
 */
export async function amendSpace(
  deps: Deps,
  caller: Caller,
  command: Command<'addressSpace', 'amend'>,
): Promise<AddressSpace> {
  return inChange(deps, caller, (tx) => amended(tx, caller, command));
}

async function amended(
  tx: Tx,
  caller: Caller,
  { id: spaceId, version, patch }: Command<'addressSpace', 'amend'>,
): Promise<AddressSpace> {
  const id = decodeId('spc', spaceId);
  const current = await lockSpace(tx, sightOf(caller), id);
  if (current === undefined) throw problem('not-found', { resourceType: 'addressSpace' });
  await expectVersion(tx, { prefix: 'spc', id, version: current.version }, version);
  const from = {
    name: current.name,
    nameExclusive: current.nameExclusive,
    coolDownSeconds: current.coolDownSeconds,
    attributes: current.attributes,
  };
  const to = {
    name: patch.name ?? from.name,
    nameExclusive: patch.name === undefined ? from.nameExclusive : true,
    coolDownSeconds: patch.coolDownSeconds ?? from.coolDownSeconds,
    attributes: patch.attributes === undefined ? from.attributes : mergePatch(from.attributes, patch.attributes),
  };
  if (sameJson(from, to)) return toSpace(current);
  await amendSpaceRow(tx, id, to);
  const row = await findSpace(tx, 'everything', id);
  if (row === undefined) throw new Error('a space that was amended is not there');
  const after = toSpace(row);
  await recordChanges(tx, caller, [
    { what: 'addressSpace.amended', id, version: row.version, before: toSpace(current), after },
  ]);
  return after;
}

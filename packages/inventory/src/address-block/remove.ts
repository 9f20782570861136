import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { AddressBlock } from '@sentral/contracts/inventory/address-block';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { refuseHeld } from '../projection/holds.js';
import { concealed, sightOf } from '../reading.js';
import { expectVersion } from '../version.js';
import { endBlock, findBlock, listBlockDependents, lockBlocks, lockSpaceTree, toBlock } from './sql.js';

/**
 * Ends a prefix without children, addresses and live allocations.
 * @throws Problem not-found, version-mismatch, has-dependents, blocked-by-hold
 */
export async function removeBlock(
  deps: Deps,
  caller: Caller,
  command: Command<'addressBlock', 'remove'>,
): Promise<AddressBlock> {
  return inChange(deps, caller, (tx) => removed(tx, caller, command));
}

async function removed(tx: Tx, caller: Caller, command: Command<'addressBlock', 'remove'>): Promise<AddressBlock> {
  const id = decodeId('blk', command.id);
  const sight = sightOf(caller);
  const seen = await findBlock(tx, sight, id);
  if (seen !== undefined) await lockSpaceTree(tx, seen.spaceId);
  const [current] = await lockBlocks(tx, sight, [id]);
  if (current === undefined || current.endedAt !== null) throw problem('not-found', { resourceType: 'addressBlock' });
  await expectVersion(tx, { prefix: 'blk', id, version: current.version }, command.version);
  await refuseHeld(tx, command.id);
  const dependents = await listBlockDependents(tx, caller, current);
  if (dependents.length > 0)
    throw problem('has-dependents', { dependents: dependents.filter(({ type }) => type !== null) });
  await endBlock(tx, id);
  const row = await findBlock(tx, 'everything', id);
  if (row === undefined) throw new Error('a block that was ended is not there');
  const after = toBlock(row);
  await recordChanges(tx, caller, [
    { what: 'addressBlock.removed', id, version: row.version, before: toBlock(current), after },
  ]);
  return concealed(tx, sight, after);
}

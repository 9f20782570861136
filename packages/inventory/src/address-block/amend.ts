import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { AddressBlock } from '@sentral/contracts/inventory/address-block';
import { mergePatch, sameJson } from '@sentral/contracts/merge-patch';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { concealed, expectSeen, sightOf } from '../reading.js';
import { expectVersion } from '../version.js';
import { amendBlockRow, findBlock, lockBlocks, toBlock } from './sql.js';

/**
 * Changes what is named in the patch; a prefix is never renumbered by an edit.
 * @throws Problem not-found, version-mismatch, reference-not-found
 */
export async function amendBlock(
  deps: Deps,
  caller: Caller,
  command: Command<'addressBlock', 'amend'>,
): Promise<AddressBlock> {
  return inChange(deps, caller, (tx) => amended(tx, caller, command));
}

async function amended(
  tx: Tx,
  caller: Caller,
  { id: blockId, version, patch }: Command<'addressBlock', 'amend'>,
): Promise<AddressBlock> {
  const id = decodeId('blk', blockId);
  const sight = sightOf(caller);
  const [current] = await lockBlocks(tx, sight, [id]);
  if (current === undefined || current.endedAt !== null) throw problem('not-found', { resourceType: 'addressBlock' });
  await expectVersion(tx, { prefix: 'blk', id, version: current.version }, version);
  const from = {
    isPool: current.isPool,
    markUtilized: current.markUtilized,
    status: current.status,
    attributes: current.attributes,
    nodeId: current.nodeId,
  };
  const to = {
    isPool: patch.isPool ?? from.isPool,
    markUtilized: patch.markUtilized ?? from.markUtilized,
    status: patch.status ?? from.status,
    attributes: patch.attributes === undefined ? from.attributes : mergePatch(from.attributes, patch.attributes),
    nodeId: patch.nodeId === undefined ? from.nodeId : patch.nodeId === null ? null : decodeId('nod', patch.nodeId),
  };
  if (patch.nodeId !== undefined) await expectSeen(tx, sight, { noun: 'node', id: to.nodeId, pointer: '/nodeId' });
  if (sameJson(from, to)) return concealed(tx, sight, toBlock(current));
  await amendBlockRow(tx, id, to);
  const row = await findBlock(tx, 'everything', id);
  if (row === undefined) throw new Error('a block that was amended is not there');
  const after = toBlock(row);
  await recordChanges(tx, caller, [
    { what: 'addressBlock.amended', id, version: row.version, before: toBlock(current), after },
  ]);
  return concealed(tx, sight, after);
}

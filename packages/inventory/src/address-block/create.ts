import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import type { AddressBlock } from '@sentral/contracts/inventory/address-block';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { findSpace } from '../address-space/sql.js';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges, type Change } from '../events.js';
import { readNet, writeNet } from './net.js';
import { concealed, expectSeen, seenIds, sightOf } from '../reading.js';
import {
  amendParent,
  deferSiblings,
  findBlock,
  findHolder,
  insertBlock,
  judgeSiblings,
  listOverlapping,
  listToAdopt,
  lockBlocks,
  lockSpaceTree,
  toBlock,
} from './sql.js';

type Asked = Command<'addressBlock', 'create'>;

/**
 * Records a prefix under the longest one that holds it; smaller ones that it holds become its children.
 * @throws Problem reference-not-found, already-exists, allocation-conflict, topology-violation
 */
export async function createBlock(deps: Deps, caller: Caller, command: Asked): Promise<AddressBlock> {
  const id = deps.newId();
  return inChange(deps, caller, (tx) => created({ tx, caller, id }, command));
}

async function created(
  { tx, caller, id }: { tx: Tx; caller: Caller; id: string },
  command: Asked,
): Promise<AddressBlock> {
  const net = readNet(command.cidr);
  if (net === undefined) throw problem('topology-violation', { rule: 'cidr_has_bits_right_of_its_mask' });
  const cidr = writeNet(net.family, net.first, net.length);
  const spaceId = decodeId('spc', command.spaceId);
  const sight = sightOf(caller);
  if ((await findSpace(tx, sight, spaceId)) === undefined)
    throw problem('reference-not-found', { pointer: '/spaceId', resourceType: 'addressSpace' });
  await lockSpaceTree(tx, spaceId);
  const parent = await findHolder(tx, spaceId, cidr);
  if (parent !== undefined) await lockBlocks(tx, 'everything', [parent.id]);
  const parentId = parent?.id ?? null;
  const adopted = await listToAdopt(tx, { spaceId, parentId, cidr });
  const inTheWay = await listOverlapping(tx, { spaceId, parentId, cidr, not: id });
  const equal = inTheWay.find((block) => block.cidr === cidr);
  if (equal !== undefined) {
    const seen = await seenIds(tx, sight, { noun: 'addressBlock', ids: [equal.id] });
    const conflict = seen.has(equal.id) ? { conflictingId: encodeId('blk', equal.id) } : {};
    throw problem('already-exists', { field: 'cidr', ...conflict });
  }
  const nodeId = command.nodeId === undefined ? null : decodeId('nod', command.nodeId);
  await expectSeen(tx, sight, { noun: 'node', id: nodeId, pointer: '/nodeId' });
  await deferSiblings(tx);
  await insertBlock(tx, {
    ...command,
    id,
    spaceId,
    parent,
    cidr,
    nodeId,
  });
  const moved = await adopt(tx, { id, cidr }, adopted);
  await judgeSiblings(tx);
  const row = await findBlock(tx, 'everything', id);
  if (row === undefined) throw new Error('a block that was inserted is not there');
  const after = toBlock(row);
  await recordChanges(tx, caller, [{ what: 'addressBlock.created', id, version: row.version, after }, ...moved]);
  return concealed(tx, sight, after);
}

async function adopt(
  tx: Tx,
  parent: { id: string; cidr: string },
  children: Awaited<ReturnType<typeof listToAdopt>>,
): Promise<readonly Change[]> {
  if (children.length === 0) return [];
  const ids = children.map((child) => child.id);
  const before = await lockBlocks(tx, 'everything', ids);
  await amendParent(tx, ids, parent);
  const after = await lockBlocks(tx, 'everything', ids);
  return after.map((row, at) => {
    const was = before[at];
    return {
      what: 'addressBlock.amended',
      id: row.id,
      version: row.version,
      before: was === undefined ? null : toBlock(was),
      after: toBlock(row),
    };
  });
}

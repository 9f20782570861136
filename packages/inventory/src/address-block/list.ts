import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { pageOfShown, readingAt } from '../past.js';
import { listOf, sightOf, sorted } from '../reading.js';
import { readNet } from './net.js';
import { selectBlock, toBlock, type BlockRow } from './sql.js';

/**
 * Live prefixes by filter, ordered by address, shorter masks first, unless told; as of an instant, those that were live then.
 * @throws Problem invalid-cursor, invalid-parameter, position-expired
 */
export async function listBlocks(
  deps: Deps,
  caller: Caller,
  command: Command<'addressBlock', 'list'>,
): Promise<Result<'addressBlock', 'list'>> {
  const at = await readingAt(deps, caller, command.asOf);
  const q = listOf('addressBlock', sightOf(caller));
  q.and('b.ended_at is null');
  if (command.spaceId !== undefined) q.and(`b.space_id = ${q.value(decodeId('spc', command.spaceId))}::uuid`);
  if (command.parentId === null) q.and(q.isRoot('addressBlock', 'b'));
  else if (command.parentId !== undefined) {
    const parentId = decodeId('blk', command.parentId);
    q.and(`b.parent_id = ${q.value(parentId)}::uuid`);
    q.andSeen('addressBlock', parentId);
  }
  if (command.cidr !== undefined) q.and(`b.cidr = ${q.value(prefix(command.cidr, 'cidr'))}::cidr`);
  if (command.within !== undefined) q.and(`b.cidr <<= ${q.value(prefix(command.within, 'within'))}::cidr`);
  if (command.nodeId !== undefined) {
    const nodeId = decodeId('nod', command.nodeId);
    q.and(`b.node_id = ${q.value(nodeId)}::uuid`);
    q.andSeen('node', nodeId);
  }
  const order = sorted(q, {
    ...command,
    id: 'b.id',
    by: { cidr: { by: 'b.cidr', gives: 'inet', is: (text) => readNet(text) !== undefined } },
  });
  const text = `${order.select(selectBlock)} ${q.where()} ${order.orderBy} limit ${q.value(command.limit + 1)}`;
  const rows = (await at.db.unsafe(text, q.params)) as unknown as readonly BlockRow[];
  return pageOfShown(at, { noun: 'addressBlock', rows, limit: command.limit }, { item: toBlock, keys: order.keys });
}

function prefix(cidr: string, parameter: string): string {
  if (readNet(cidr) === undefined) throw problem('invalid-parameter', { parameter });
  return cidr;
}

import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { readHost, writeHost } from '../address-block/net.js';
import { findBlock } from '../address-block/sql.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { pageOfShown, readingAt } from '../past.js';
import { listOf, readCursor, sightOf } from '../reading.js';
import { selectAddress, toAddress, type AddressRow } from './sql.js';

/**
 * Live recorded addresses by filter, ordered by space and address; as of an instant, those that were live then.
 * @throws Problem invalid-cursor, reference-not-found, invalid-parameter, position-expired
 */
export async function listAddresses(
  deps: Deps,
  caller: Caller,
  command: Command<'address', 'list'>,
): Promise<Result<'address', 'list'>> {
  const at = await readingAt(deps, caller, command.asOf);
  const keys = readCursor(command.cursor, ['uuid', 'text', 'uuid']);
  const sight = sightOf(caller);
  const q = listOf('address', sight);
  q.and('a.ended_at is null');
  if (command.spaceId !== undefined) q.and(`a.space_id = ${q.value(decodeId('spc', command.spaceId))}::uuid`);
  if (command.blockId !== undefined) {
    const block = await findBlock(at.db, sight, decodeId('blk', command.blockId));
    if (block === undefined)
      throw problem('reference-not-found', { pointer: '/blockId', resourceType: 'addressBlock' });
    const cidr = q.value(block.cidr);
    q.and(`a.space_id = ${q.value(block.spaceId)}::uuid`);
    q.and(`a.host between host(network(${cidr}::cidr))::inet and host(broadcast(${cidr}::cidr))::inet`);
  }
  const host = command.address === undefined ? undefined : readHost(command.address);
  if (host !== undefined) q.and(`a.host = ${q.value(writeHost(host.family, host.value))}::inet`);
  if (command.nodeId !== undefined) {
    const nodeId = decodeId('nod', command.nodeId);
    q.and(`a.node_id = ${q.value(nodeId)}::uuid`);
    q.andSeen('node', nodeId);
  }
  if (keys !== undefined) {
    if (readHost(String(keys[1])) === undefined) throw problem('invalid-cursor');
    q.and(
      `(a.space_id, a.host, a.id) > (${q.value(keys[0])}::uuid, ${q.value(keys[1])}::inet, ${q.value(keys[2])}::uuid)`,
    );
  }
  const text = `${selectAddress} ${q.where()} order by a.space_id, a.host, a.id limit ${q.value(command.limit + 1)}`;
  const rows = (await at.db.unsafe(text, q.params)) as unknown as readonly AddressRow[];
  return pageOfShown(
    at,
    { noun: 'address', rows, limit: command.limit },
    { item: toAddress, keys: (row) => [row.spaceId, row.address, row.id] },
  );
}

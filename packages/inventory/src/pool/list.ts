import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { listOf, page, readDb, sightOf, sorted } from '../reading.js';
import { concealMembers, selectPool, toPool, type PoolRow } from './sql.js';

/**
 * Pools, ordered by id unless told.
 * @throws Problem invalid-cursor
 */
export async function listPools(
  deps: Deps,
  caller: Caller,
  command: Command<'pool', 'list'>,
): Promise<Result<'pool', 'list'>> {
  const sight = sightOf(caller);
  const q = listOf('pool', sight);
  q.and('p.ended_at is null');
  if (command.name !== undefined) q.and(`p.name = ${q.value(command.name)}`);
  if (command.nodeId !== undefined) {
    const nodeId = decodeId('nod', command.nodeId);
    q.and(`exists (select from pool_member m where m.pool_id = p.id and m.node_id = ${q.value(nodeId)}::uuid)`);
    q.andSeen('node', nodeId);
  }
  const order = sorted(q, { ...command, id: 'p.id', by: { name: { by: 'p.name collate "C"', gives: 'text' } } });
  const text = `${order.select(selectPool)} ${q.where()} ${order.orderBy} limit ${q.value(command.limit + 1)}`;
  const db = readDb(deps, caller);
  const rows = (await db.unsafe(text, q.params)) as unknown as readonly PoolRow[];
  return page(await concealMembers(db, sight, rows), command.limit, { item: toPool, keys: order.keys });
}

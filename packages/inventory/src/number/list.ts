import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { pageOfShown, readingAt } from '../past.js';
import { listOf, readCursor, sightOf } from '../reading.js';
import { selectNumber, toNumber, type NumberRow } from './sql.js';

/**
 * Live recorded numbers by filter, ordered by domain and value; as of an instant, those that were live then.
 * @throws Problem invalid-cursor, invalid-parameter, position-expired
 */
export async function listNumbers(
  deps: Deps,
  caller: Caller,
  command: Command<'number', 'list'>,
): Promise<Result<'number', 'list'>> {
  const keys = readCursor(command.cursor, ['uuid', 'number', 'uuid']);
  const at = await readingAt(deps, caller, command.asOf);
  const q = listOf('number', sightOf(caller));
  q.and('m.ended_at is null');
  if (command.domainId !== undefined) q.and(`m.domain_id = ${q.value(decodeId('ndm', command.domainId))}::uuid`);
  if (command.value !== undefined) q.and(`m.value = ${q.value(command.value)}::bigint`);
  if (command.nodeId !== undefined) {
    const nodeId = decodeId('nod', command.nodeId);
    q.and(`m.node_id = ${q.value(nodeId)}::uuid`);
    q.andSeen('node', nodeId);
  }
  if (keys !== undefined) {
    q.and(
      `(m.domain_id, m.value, m.id) > (${q.value(keys[0])}::uuid, ${q.value(keys[1])}::bigint, ${q.value(keys[2])}::uuid)`,
    );
  }
  const text = `${selectNumber} ${q.where()} order by m.domain_id, m.value, m.id limit ${q.value(command.limit + 1)}`;
  const rows = (await at.db.unsafe(text, q.params)) as unknown as readonly NumberRow[];
  return pageOfShown(
    at,
    { noun: 'number', rows, limit: command.limit },
    { item: toNumber, keys: (row) => [row.domainId, row.value, row.id] },
  );
}

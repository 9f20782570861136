import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { readingAt } from '../past.js';
import { sightOf } from '../reading.js';
import { findRootOf } from '../topology/sql.js';
import { toNode } from './row.js';
import { findNode } from './sql.js';

/**
 * One node, retired ones too, with the root of its tree; as of an instant, as it was then.
 * @throws Problem not-found, invalid-parameter, position-expired
 */
export async function getNode(
  deps: Deps,
  caller: Caller,
  command: Command<'node', 'get'>,
): Promise<Result<'node', 'get'>> {
  const at = await readingAt(deps, caller, command.asOf);
  const id = decodeId('nod', command.id);
  const sight = sightOf(caller);
  const row = await findNode(at.db, sight, id);
  if (row === undefined || !(await at.shows('node', [id])).has(id))
    throw problem('not-found', { resourceType: 'node' });
  const rootId = encodeId('nod', await findRootOf(at.db, sight, id));
  const [shown = toNode(row)] = await at.conceal([toNode(row)]);
  return { ...shown, rootId };
}

import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { concealed, readDb, sightOf } from '../reading.js';
import { findRootOf } from '../topology/sql.js';
import { toNode } from './row.js';
import { findNode } from './sql.js';

/**
 * One node, retired ones too, with the root of its tree.
 * @throws Problem not-found
 */
export async function getNode(
  deps: Deps,
  caller: Caller,
  command: Command<'node', 'get'>,
): Promise<Result<'node', 'get'>> {
  const db = readDb(deps, caller);
  const id = decodeId('nod', command.id);
  const sight = sightOf(caller);
  const row = await findNode(db, sight, id);
  if (row === undefined) throw problem('not-found', { resourceType: 'node' });
  const rootId = encodeId('nod', await findRootOf(db, sight, id));
  return { ...(await concealed(db, sight, toNode(row))), rootId };
}

import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { NumberDomain } from '@sentral/contracts/inventory/number-domain';
import type { Tx } from '@sentral/kernel/database';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { expectSeen, sightOf } from '../reading.js';
import { findDomain, insertDomain, toDomain } from './sql.js';

type Asked = Command<'numberDomain', 'create'>;

/**
 * Creates a place where a number means one thing.
 * @throws Problem already-exists, reference-not-found
 */
export async function createDomain(deps: Deps, caller: Caller, command: Asked): Promise<NumberDomain> {
  const id = deps.newId();
  return inChange(deps, caller, (tx) => created({ tx, caller, id }, command));
}

async function created(
  { tx, caller, id }: { tx: Tx; caller: Caller; id: string },
  command: Asked,
): Promise<NumberDomain> {
  const nodeId = command.nodeId === undefined ? null : decodeId('nod', command.nodeId);
  await expectSeen(tx, sightOf(caller), { noun: 'node', id: nodeId, pointer: '/nodeId' });
  await insertDomain(tx, { ...command, id, nodeId });
  const row = await findDomain(tx, 'everything', id);
  if (row === undefined) throw new Error('a domain that was inserted is not there');
  const after = toDomain(row);
  await recordChanges(tx, caller, [{ what: 'numberDomain.created', id, version: row.version, after }]);
  return after;
}

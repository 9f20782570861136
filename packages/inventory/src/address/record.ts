import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import type { Address } from '@sentral/contracts/inventory/address';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { bitsOf, readHost, writeHost } from '../address-block/net.js';
import { findSpace } from '../address-space/sql.js';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { heldBy } from '../holder.js';
import { concealed, expectSeen, seenIds, sightOf } from '../reading.js';
import { findAddress, findHolderOfHost, findHome, insertAddress, takeHost, toAddress } from './sql.js';

type Asked = Command<'address', 'record'>;

/**
 * Records an address that is in use; at most one holder per host and space.
 * @throws Problem reference-not-found, already-exists, allocation-conflict, topology-violation
 */
export async function recordAddress(deps: Deps, caller: Caller, command: Asked): Promise<Address> {
  const id = deps.newId();
  return inChange(deps, caller, (tx) => recorded({ tx, caller, id }, command));
}

async function recorded({ tx, caller, id }: { tx: Tx; caller: Caller; id: string }, command: Asked): Promise<Address> {
  const read = readHost(command.address);
  if (read === undefined) throw problem('topology-violation', { rule: 'address_is_not_a_host' });
  const host = writeHost(read.family, read.value);
  const spaceId = decodeId('spc', command.spaceId);
  const sight = sightOf(caller);
  if ((await findSpace(tx, sight, spaceId)) === undefined)
    throw problem('reference-not-found', { pointer: '/spaceId', resourceType: 'addressSpace' });
  const home = await findHome(tx, spaceId, host);
  if (home.inRange) throw problem('topology-violation', { rule: 'address_lies_in_a_used_range' });
  const prefixLength = command.prefixLength ?? home.prefixLength ?? bitsOf(read.family);
  if (prefixLength > bitsOf(read.family))
    throw problem('topology-violation', { rule: 'prefix_length_of_another_family' });
  const nodeId = command.nodeId === undefined ? null : decodeId('nod', command.nodeId);
  await expectSeen(tx, sight, { noun: 'node', id: nodeId, pointer: '/nodeId' });
  await insertAddress(tx, { id, spaceId, host, prefixLength, attributes: command.attributes, nodeId });
  if (!(await takeHost(tx, { spaceId, host, addressId: id }))) throw await refusal(tx, caller, { spaceId, host });
  const row = await findAddress(tx, 'everything', id);
  if (row === undefined) throw new Error('an address that was inserted is not there');
  const after = toAddress(row);
  await recordChanges(tx, caller, [{ what: 'address.recorded', id, version: row.version, after }]);
  return concealed(tx, sight, after);
}

async function refusal(tx: Tx, caller: Caller, { spaceId, host }: { spaceId: string; host: string }) {
  const holder = await findHolderOfHost(tx, spaceId, host);
  const { addressId } = holder ?? {};
  if (addressId != null) {
    const seen = await seenIds(tx, sightOf(caller), { noun: 'address', ids: [addressId] });
    const conflict = seen.has(addressId) ? { conflictingId: encodeId('adr', addressId) } : {};
    return problem('already-exists', { field: 'address', ...conflict });
  }
  return problem('allocation-conflict', {
    requested: { address: host },
    conflicts: [{ value: host, ...heldBy(caller, holder) }],
    retryable: false,
  });
}

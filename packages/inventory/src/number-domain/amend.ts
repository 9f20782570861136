import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { NumberDomain } from '@sentral/contracts/inventory/number-domain';
import { mergePatch, sameJson } from '@sentral/contracts/merge-patch';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { concealed, expectSeen, sightOf } from '../reading.js';
import { expectVersion } from '../version.js';
import { amendDomainRow, findDomain, lockDomain, toDomain } from './sql.js';

/**
 * Changes what is named in the patch.
 * @throws Problem not-found, version-mismatch, already-exists, reference-not-found
 */
export async function amendDomain(
  deps: Deps,
  caller: Caller,
  command: Command<'numberDomain', 'amend'>,
): Promise<NumberDomain> {
  return inChange(deps, caller, (tx) => amended(tx, caller, command));
}

async function amended(
  tx: Tx,
  caller: Caller,
  { id: domainId, version, patch }: Command<'numberDomain', 'amend'>,
): Promise<NumberDomain> {
  const id = decodeId('ndm', domainId);
  const sight = sightOf(caller);
  const current = await lockDomain(tx, sight, id);
  if (current === undefined) throw problem('not-found', { resourceType: 'numberDomain' });
  await expectVersion(tx, { prefix: 'ndm', id, version: current.version }, version);
  const { name, nameExclusive, coolDownSeconds, attributes, nodeId } = current;
  const from = { name, nameExclusive, coolDownSeconds, attributes, nodeId };
  const to = {
    name: patch.name ?? name,
    nameExclusive: patch.name === undefined ? nameExclusive : true,
    coolDownSeconds: patch.coolDownSeconds ?? coolDownSeconds,
    attributes: patch.attributes === undefined ? attributes : mergePatch(attributes, patch.attributes),
    nodeId: patch.nodeId === undefined ? nodeId : patch.nodeId === null ? null : decodeId('nod', patch.nodeId),
  };
  if (patch.nodeId !== undefined) await expectSeen(tx, sight, { noun: 'node', id: to.nodeId, pointer: '/nodeId' });
  if (sameJson(from, to)) return concealed(tx, sight, toDomain(current));
  await amendDomainRow(tx, id, to);
  const row = await findDomain(tx, 'everything', id);
  if (row === undefined) throw new Error('a domain that was amended is not there');
  const after = toDomain(row);
  await recordChanges(tx, caller, [
    { what: 'numberDomain.amended', id, version: row.version, before: toDomain(current), after },
  ]);
  return concealed(tx, sight, after);
}

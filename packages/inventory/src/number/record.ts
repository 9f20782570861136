import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { NumberRecord } from '@sentral/contracts/inventory/number';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { heldBy } from '../holder.js';
import { findDomain } from '../number-domain/sql.js';
import { rangeFault } from '../number-range/rules.js';
import { concealed, expectSeen, sightOf } from '../reading.js';
import { findHolderOfNumber, findNumber, insertNumber, takeNumber, toNumber } from './sql.js';

type Asked = Command<'number', 'record'>;

/**
 * Records a number that is in use; at most one holder per value in a pooled domain.
 * @throws Problem reference-not-found, already-exists, allocation-conflict, amount-not-allowed
 */
export async function recordNumber(deps: Deps, caller: Caller, command: Asked): Promise<NumberRecord> {
  const id = deps.newId();
  return inChange(deps, caller, (tx) => recorded({ tx, caller, id }, command));
}

async function recorded(
  { tx, caller, id }: { tx: Tx; caller: Caller; id: string },
  command: Asked,
): Promise<NumberRecord> {
  const { value } = command;
  const domainId = decodeId('ndm', command.domainId);
  const sight = sightOf(caller);
  const domain = await findDomain(tx, sight, domainId);
  if (domain === undefined)
    throw problem('reference-not-found', { pointer: '/domainId', resourceType: 'numberDomain' });
  const { kind, pooled } = domain;
  const fault = rangeFault(kind, { start: value, end: value });
  if (fault !== undefined) throw problem('amount-not-allowed', { ...fault, class: kind });
  const nodeId = command.nodeId === undefined ? null : decodeId('nod', command.nodeId);
  await expectSeen(tx, sight, { noun: 'node', id: nodeId, pointer: '/nodeId' });
  await insertNumber(tx, { ...command, id, domainId, kind, name: command.name ?? null, occupies: pooled, nodeId });
  if (pooled && !(await takeNumber(tx, { domainId, kind, value, numberId: id })))
    throw await refusal(tx, caller, { domainId, value });
  const row = await findNumber(tx, id);
  if (row === undefined) throw new Error('a number that was inserted is not there');
  const after = toNumber(row);
  await recordChanges(tx, caller, [{ what: 'number.recorded', id, version: row.version, after }]);
  return concealed(tx, sight, after);
}

async function refusal(tx: Tx, caller: Caller, { domainId, value }: { domainId: string; value: number }) {
  const holder = await findHolderOfNumber(tx, domainId, value);
  if (holder?.numberId != null) return problem('already-exists', { field: 'value' });
  return problem('allocation-conflict', {
    requested: { number: value },
    conflicts: [{ value, ...heldBy(caller, holder) }],
    retryable: false,
  });
}

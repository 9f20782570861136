import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { NumberRange } from '@sentral/contracts/inventory/number-range';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { findDomain } from '../number-domain/sql.js';
import { sightOf } from '../reading.js';
import { rangeFault } from './rules.js';
import { findRange, insertRange, toRange } from './sql.js';

type Asked = Command<'numberRange', 'create'>;

/**
 * Lets a pooled domain give the numbers from start to end.
 * @throws Problem reference-not-found, allocation-conflict, topology-violation, amount-not-allowed
 */
export async function createRange(deps: Deps, caller: Caller, command: Asked): Promise<NumberRange> {
  const id = deps.newId();
  return inChange(deps, caller, (tx) => created({ tx, caller, id }, command));
}

async function created(
  { tx, caller, id }: { tx: Tx; caller: Caller; id: string },
  command: Asked,
): Promise<NumberRange> {
  const domainId = decodeId('ndm', command.domainId);
  const domain = await findDomain(tx, sightOf(caller), domainId);
  if (domain === undefined)
    throw problem('reference-not-found', { pointer: '/domainId', resourceType: 'numberDomain' });
  if (!domain.pooled) throw problem('topology-violation', { rule: 'domain_is_not_pooled' });
  const fault = rangeFault(domain.kind, command);
  if (fault !== undefined) throw problem('amount-not-allowed', { ...fault, class: domain.kind });
  await insertRange(tx, { ...command, id, domainId, kind: domain.kind });
  const row = await findRange(tx, 'everything', id);
  if (row === undefined) throw new Error('a range that was inserted is not there');
  const after = toRange(row);
  await recordChanges(tx, caller, [{ what: 'numberRange.created', id, version: row.version, after }]);
  return after;
}

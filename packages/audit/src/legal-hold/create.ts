import type { Caller } from '@sentral/contracts/contract';
import { parseId } from '@sentral/contracts/ids';
import { isProblem, problem } from '@sentral/contracts/problem';
import { inChange, recordChange } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { placeOf } from '../place.js';
import { insertLegalHold, toLegalHold } from './sql.js';

/**
 * Sets a legal hold: from here on no month of records goes that it is about.
 * @throws Problem not-found | invalid-parameter
 */
export async function createLegalHold(
  deps: Deps,
  caller: Caller,
  command: Command<'legalHold', 'create'>,
): Promise<Result<'legalHold', 'create'>> {
  const place = placeOf(caller, command.scopeId);
  const thing = command.resourceId === undefined ? undefined : named(command.resourceId);
  return inChange(deps, caller, async (tx) => {
    const row = await insertLegalHold(tx, {
      id: deps.newId(),
      ...place,
      resourceKind: thing?.prefix ?? null,
      resourceId: thing?.uuid ?? null,
      reason: command.reason,
      createdBy: caller.principal.id,
    });
    const after = toLegalHold(row);
    await recordChange(tx, caller, { what: 'legalHold.set', row, before: null, after });
    return after;
  });
}

function named(id: string) {
  try {
    return parseId(id);
  } catch (error) {
    throw isProblem(error) ? problem('invalid-parameter', { parameter: 'resourceId' }) : error;
  }
}

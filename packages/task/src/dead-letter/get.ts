import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { DeadLetter } from '@sentral/contracts/task/trouble';
import type { Deps } from '../deps.js';
import { expectOperator } from '../operator.js';
import { toLetter } from './resource.js';
import { findLetter } from './sql.js';

/**
 * One dead letter.
 * @throws Problem permission-denied | not-found
 */
export async function getLetter(deps: Deps, caller: Caller, command: { id: string }): Promise<DeadLetter> {
  expectOperator(caller, 'task.deadLetter.read');
  const row = await findLetter(deps.db.platform, decodeId('dlt', command.id));
  if (row === undefined) throw problem('not-found', { resourceType: 'deadLetter' });
  return toLetter(row);
}

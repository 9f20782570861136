import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { TaskFinding } from '@sentral/contracts/task/trouble';
import type { Deps } from '../deps.js';
import { expectOperator } from '../operator.js';
import { toFinding } from './resource.js';
import { findFinding } from './sql.js';

/**
 * One finding.
 * @throws Problem permission-denied | not-found
 */
export async function getFinding(deps: Deps, caller: Caller, command: { id: string }): Promise<TaskFinding> {
  expectOperator(caller, 'task.finding.read');
  const row = await findFinding(deps.db.platform, decodeId('tfd', command.id));
  if (row === undefined) throw problem('not-found', { resourceType: 'taskFinding' });
  return toFinding(row);
}

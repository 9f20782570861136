import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { TaskFinding } from '@sentral/contracts/task/trouble';
import { inChange } from '../change.js';
import type { Deps } from '../deps.js';
import { expectOperator } from '../operator.js';
import { recordSettled } from '../settled.js';
import { actorOf } from '../task/ask.js';
import { toFinding } from './resource.js';
import { findFinding, lockFinding, settleFinding } from './sql.js';

/**
 * A person has settled it. Asked again it is the same; the other way is refused.
 * @throws Problem permission-denied | not-found | state-conflict
 */
export async function settle(
  deps: Deps,
  caller: Caller,
  { id, note, state }: { id: string; note?: string | undefined; state: 'resolved' | 'accepted' },
): Promise<TaskFinding> {
  expectOperator(caller, state === 'accepted' ? 'task.finding.accept' : 'task.finding.resolve');
  return inChange(deps, caller, async (tx) => {
    const uuid = decodeId('tfd', id);
    const row = await lockFinding(tx, uuid);
    if (row === undefined) throw problem('not-found', { resourceType: 'taskFinding' });
    if (row.state === state) return toFinding(row);
    if (row.state === 'resolved' || row.state === 'accepted')
      throw problem('state-conflict', { state: row.state, allowedStates: ['suspect', 'open', 'repairing'] });
    await settleFinding(tx, uuid, { state, note: note ?? null, decidedBy: actorOf(caller) });
    const [before, after] = [toFinding(row), toFinding((await findFinding(tx, uuid)) ?? row)];
    await recordSettled(tx, caller, { what: `finding.${state}`, id: uuid, before, after, note: note ?? null });
    return after;
  });
}

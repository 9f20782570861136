import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import type { Task } from '@sentral/contracts/task/task';
import { bringForward } from '@sentral/kernel/scopes/news';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { initiatorOf, lockPlace } from '../place.js';
import { scopes } from '../projection/view.js';
import { announce, drawJitter } from '../run/take.js';
import type { NewTask } from '../store/sql.js';
import type { PlanOf } from '../workflow/workflow.js';
import { makeTask, rowOf, type Made } from './make.js';

type Planned = Omit<NewTask, 'tenantId' | 'projectId' | 'environmentId'>;

/**
 * Makes the task that a workflow plans; it begins at once where its lane has room, else it waits there.
 * @throws Problem reference-not-found | scope-not-active | operation-in-progress | already-exists | queue-full
 */
export async function createTask(
  deps: Deps,
  caller: Caller,
  { planOf, ...command }: Command<'task', 'create'> & { planOf: PlanOf },
): Promise<Task> {
  const id = command.id === undefined ? deps.newId() : decodeId('tsk', command.id);
  const planned = planOf(command, { taskId: encodeId('tsk', id), newId: deps.newId });
  const row: Planned = {
    ...rowOf(deps, id, planned),
    actor: initiatorOf(caller),
    correlationId: command.correlationId ?? id,
    traceparent: caller.traceparent ?? null,
    parent: null,
  };
  const jitter = drawJitter();
  await bringForward(deps.db.app, scopes, caller.scopes);
  let begun: Made['begun'];
  const task = await inChange(deps, caller, async (tx) => {
    const made = await makeTask(tx, deps, {
      caller,
      id,
      row: lockPlace(tx, command.scopeId).then((place) => ({ ...row, ...place })),
      plan: planned.plan,
      jitter,
    });
    ({ begun } = made);
    return made.task;
  });
  // A replayed answer has begun nothing now; a poke for it costs a look.
  if (begun !== undefined) announce(deps, begun);
  else deps.pulse.beat('admission');
  return task;
}

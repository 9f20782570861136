import { startLoop, type Loop } from '@sentral/kernel/relay';
import type { Deps } from '../deps.js';
import type { Initiator } from '../store/sql.js';
import { findTask, type TaskRead } from '../task/sql.js';
import { listUnauthorized } from './sql.js';
import { take } from './take.js';

/** Tenancy's word: whether who has begun a task may still do it. Asked outside of every transaction. */
export type MayStill = (
  initiator: Initiator,
  task: Pick<TaskRead, 'kind' | 'tenantId' | 'projectId' | 'environmentId'>,
) => Promise<boolean>;

const batch = 50;

/** Sends destructive steps whose initiator may still do what the task does; without the right the task is held. */
export function startAuthorization(deps: Deps, mayStill: MayStill): Loop {
  const loop = startLoop(
    async () => {
      while ((await authorizeReady(deps, mayStill)) === batch);
    },
    {
      pollMs: [750, 1_250],
      failed: (error) =>
        deps.telemetry.log('warn', 'the rights of initiators could not be looked up, their steps wait', { error }),
      ended: () => Promise.resolve(),
    },
  );
  deps.pulse.on('authorization', loop.wake);
  return loop;
}

export async function authorizeReady(deps: Deps, mayStill: MayStill): Promise<number> {
  const ready = await listUnauthorized(deps.db.app, batch);
  for (const { taskId, stepId } of ready) {
    const task = await findTask(deps.db.app, taskId);
    if (task === undefined) continue;
    const allowed = await mayStill(task.actor, task);
    await take(deps, { taskId, ifFree: true, input: () => ({ on: 'authorized', stepId, allowed }) });
  }
  return ready.length;
}

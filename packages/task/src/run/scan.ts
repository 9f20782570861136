import { startLoop, type Loop } from '@sentral/kernel/relay';
import type { Deps } from '../deps.js';
import { listLost, listStalled } from './sql.js';
import { take } from './take.js';

const batch = 100;

/**
 * Looks for tasks that stand although nothing holds them (T1, T2). Nothing is ever lost while the shell is right, so what is
 * repaired is counted; only a gate that was opened has work for it.
 */
export function startScan(deps: Deps): Loop {
  const loop = startLoop(
    async () => {
      while ((await advanceStalled(deps)) === batch);
    },
    {
      pollMs: [20_000, 40_000],
      failed: (error) => deps.telemetry.log('warn', 'the scan of tasks failed and will be tried again', { error }),
      ended: () => Promise.resolve(),
    },
  );
  deps.pulse.on('scan', loop.wake);
  return loop;
}

/** Gives how many tasks moved. */
export async function advanceStalled(deps: Deps): Promise<number> {
  let moved = 0;
  for (const taskId of await listStalled(deps.db.app, batch)) {
    let lost = 0;
    const taken = await take(deps, {
      taskId,
      ifFree: true,
      input: async (_, tx) => {
        const found = await listLost(tx, taskId);
        lost = found.length;
        return { on: 'reconciled', lost: found };
      },
    });
    if (taken === undefined || taken.was === 'ignored') continue;
    moved += 1;
    if (lost === 0) continue;
    deps.telemetry.count('task.invariant.repairs', lost);
    deps.telemetry.log('error', 'commands had no timer, and have one now', { taskId, lost });
  }
  return moved;
}

import type { Bus } from '@sentral/kernel/bus/port';
import { startLoop, type Loop } from '@sentral/kernel/relay';
import type { Deps } from '../deps.js';
import { describe } from './describe.js';
import { endDueTimer, listDueTimers, type DueTimer } from './sql.js';
import { take, type Taken } from './take.js';

const batch = 100;
/** At once: a due timer is one short transaction, and tasks do not wait for each other. */
const lanes = 4;

/** Fires what is due; any number of processes may run it, each timer fires once. */
export function startTimers(deps: Deps, bus: Bus): Loop {
  return startLoop(
    async () => {
      while ((await fireDue(deps, (taken) => void describe(deps, bus, taken))) === batch);
    },
    {
      pollMs: [250, 750],
      failed: (error) => deps.telemetry.log('warn', 'timers failed and will be tried again', { error }),
      ended: () => Promise.resolve(),
    },
  );
}

/** One batch; gives how many fired. One whose task is being decided on stays due. */
export async function fireDue(deps: Deps, then: (taken: Taken) => void): Promise<number> {
  const due = await listDueTimers(deps.db.app, batch);
  const fire = async (mine: readonly DueTimer[]): Promise<number> => {
    let fired = 0;
    for (const timer of mine) {
      const taken = await fireTimer(deps, timer);
      if (taken === undefined) continue;
      fired += 1;
      then(taken);
    }
    return fired;
  };
  const shares = Array.from({ length: lanes }, (_, lane) => due.filter((_timer, at) => at % lanes === lane));
  const fired = await Promise.all(shares.map(fire));
  return fired.reduce((sum, each) => sum + each, 0);
}

function fireTimer(deps: Deps, timer: DueTimer): Promise<Taken | undefined> {
  const { ownerId, direction, kind, attempt, taskId } = timer;
  return take(deps, {
    taskId,
    ifFree: true,
    input: async (_, tx) =>
      (await endDueTimer(tx, timer)) ? { on: 'timer', ownerId, direction, kind, attempt } : undefined,
  });
}

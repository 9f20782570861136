import { startLoop, type Loop } from '@sentral/kernel/relay';
import { byKey, inTransaction } from '@sentral/kernel/transaction';
import { system } from '../change.js';
import { decide } from '../decide/decide.js';
import type { Deps } from '../deps.js';
import { load } from '../store/aggregate.js';
import { lockTask } from '../store/sql.js';
import { writeDecision } from '../store/write.js';
import { chargeLane, claimLane, claimQueued } from './sql.js';
import { announce, drawJitter } from './take.js';

/** Lets queued tasks begin, the tenant that is furthest behind first; any number of processes may run it. */
export function startAdmission(deps: Deps): Loop {
  const loop = startLoop(
    async () => {
      while (await admitNext(deps));
    },
    {
      pollMs: [500, 1_500],
      failed: (error) => deps.telemetry.log('warn', 'admission failed and will be tried again', { error }),
      ended: () => Promise.resolve(),
    },
  );
  deps.pulse.on('admission', loop.wake);
  return loop;
}

/** One task of one lane; false when nobody waits who could be let in now. */
export async function admitNext(deps: Deps): Promise<boolean> {
  const jitter = drawJitter();
  const begun = await inTransaction(
    deps.db.app,
    async (tx) => {
      const tenantId = await claimLane(tx);
      const id = tenantId === undefined ? undefined : await claimQueued(tx, tenantId);
      const stored = id === undefined ? undefined : await lockTask(tx, id);
      if (tenantId === undefined || stored === undefined) return undefined;
      const loaded = await load(tx, stored);
      const context = { now: stored.now.getTime(), jitter, paused: loaded.paused };
      const decision = decide(loaded.aggregate, { on: 'admitted' }, context);
      await chargeLane(tx, tenantId);
      return { decision, loaded: await writeDecision(tx, deps, { loaded, decision, cause: { caller: system } }) };
    },
    { settings: byKey },
  );
  if (begun === undefined) return false;
  announce(deps, begun);
  return true;
}

import { startLoop, type Loop } from '@sentral/kernel/relay';
import { sweepAllocations } from './allocation/sweep.js';
import type { Deps } from './deps.js';
import { startImportWorker } from './import/worker.js';

/** What runs by itself while this context is up; each takes row locks with skip locked, so any number of processes may run it. */
export function createInventoryLoops(deps: Deps): readonly Loop[] {
  const sweep = startLoop(
    async () => {
      // A full sweep is followed by another at once; expiry is seen in time, and nothing waits for it.
      while ((await sweepAllocations(deps)) > 0);
    },
    {
      pollMs: [500, 1_500],
      failed: (error) =>
        deps.telemetry.log('warn', 'the sweep of allocations failed and will be tried again', { error }),
      ended: () => Promise.resolve(),
    },
  );
  return [sweep, startImportWorker(deps)];
}

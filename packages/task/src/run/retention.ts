import { feedEvent } from '@sentral/kernel/change';
import { record } from '@sentral/kernel/feed';
import { startLoop, type Loop } from '@sentral/kernel/relay';
import { inTransaction } from '@sentral/kernel/transaction';
import { schemaName, system } from '../change.js';
import type { Deps } from '../deps.js';
import { claimExpired, removeTasks } from './sql.js';

const batch = 500;

/** Removes tasks whose time is over, a batch a transaction; any number of processes may run it. */
export function startRetention(deps: Deps): Loop {
  return startLoop(
    async () => {
      while ((await removeExpired(deps)) === batch);
    },
    {
      pollMs: [45_000, 75_000],
      failed: (error) => deps.telemetry.log('warn', 'old tasks could not be removed', { error }),
      ended: () => Promise.resolve(),
    },
  );
}

export async function removeExpired(deps: Deps): Promise<number> {
  return inTransaction(deps.db.app, async (tx) => {
    const gone = await claimExpired(tx, batch);
    if (gone.length === 0) return 0;
    await removeTasks(
      tx,
      gone.map(({ id }) => id),
    );
    // A removal is a change of the task like every other: the guard wants its fact, the next version.
    await record(
      tx,
      schemaName,
      gone.map(({ id, version, tenantId }) => ({
        ...feedEvent(schemaName, system, {
          what: 'task.purged',
          id,
          version: version + 1,
          after: null,
          scope: { tenantId },
        }),
        event: null,
        audit: null,
      })),
    );
    return gone.length;
  });
}

import { isProblem } from '@sentral/contracts/problem';
import { startLoop, type Loop } from '@sentral/kernel/relay';
import type { Deps } from './deps.js';
import { purgeScope } from './scope/purge.js';
import { removeScope } from './scope/remove.js';
import { scopeId } from './scope/row.js';
import { listExpired, listPurgeable, listUnfinished, type Due } from './scope/sweep-sql.js';
import { tenancyItself } from './scope/dependents.js';

/** What runs by itself while this context is up. Each step takes the scope's lock and looks again, so any number of processes may run it. */
export function createTenancyLoops(deps: Deps): readonly Loop[] {
  const failed = (error: unknown) =>
    deps.telemetry.log('warn', 'a sweep of scopes failed and will be tried again', { error });
  return [startLoop(() => sweepScopes(deps), { pollMs: [4_000, 6_000], failed, ended: () => Promise.resolve() })];
}

/** Finishes deletes that a process left in the middle, ends what has expired, and purges what nobody brought back. */
export async function sweepScopes(deps: Deps): Promise<void> {
  const remove = (due: Due) =>
    removeScope(deps, tenancyItself([]), { id: scopeId(due.kind, due.id), version: undefined });
  for (const due of await listUnfinished(deps.db.app)) await quietly(deps, due, () => remove(due));
  for (const due of await listExpired(deps.db.app)) await quietly(deps, due, () => remove(due));
  for (const due of await listPurgeable(deps.db.app)) await quietly(deps, due, () => purgeScope(deps, due.id));
}

/** One scope that something still lives in must not keep the others waiting. */
async function quietly(deps: Deps, due: Due, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isProblem(error)) throw error;
    deps.telemetry.log('info', 'a scope could not be ended yet', {
      scope: scopeId(due.kind, due.id),
      problem: error.code,
    });
  }
}

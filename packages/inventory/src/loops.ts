import type { Implements } from '@sentral/contracts/contract';
import type { Id } from '@sentral/contracts/ids';
import type { task } from '@sentral/contracts/task';
import type { Bus } from '@sentral/kernel/bus/port';
import { purgeOperations } from '@sentral/kernel/bus/operation';
import { serveSteps } from '@sentral/kernel/bus/steps';
import { startLoop, type Loop } from '@sentral/kernel/relay';
import { listenToScopes, startFillingScopes, type ScopeSource } from '@sentral/kernel/scopes/news';
import { announceFew } from './allocation/announce.js';
import { beginFew } from './allocation/begin.js';
import { healAll } from './allocation/heal.js';
import { sweepAllocations } from './allocation/sweep.js';
import { itself, schemaName } from './change.js';
import type { Deps } from './deps.js';
import { purgeFindings } from './finding/purge.js';
import { startImportWorker } from './import/worker.js';
import type { TenantSource } from './import/tenants.js';
import { quarantineFew } from './node/scrub.js';
import { scopes } from './projection/view.js';
import { inventorySteps } from './serve.js';

/** What this context hears others by. */
export interface Ears {
  readonly bus: Bus;
  /** Absent where this process is not told of tenancy: events and what callers bring are then all it has. */
  readonly scopes?: ScopeSource & TenantSource;
  /** Which steps are still there. Absent where this process is not told of task: then nothing that was served is forgotten. */
  readonly steps?: Pick<Implements<typeof task>['step'], 'living'>;
}

/** What runs by itself while this context is up; each takes row locks with skip locked, or a lease, so any number of processes may run it. */
export function createInventoryLoops(deps: Deps, ears?: Ears): readonly Pick<Loop, 'stop'>[] {
  const sweep = startLoop(
    async () => {
      // A full sweep is followed by another at once; expiry is seen in time, and nothing waits for it.
      while ((await sweepAllocations(deps)) > 0);
      while ((await quarantineFew(deps)) > 0);
      // What ends makes room for what begins.
      while ((await beginFew(deps)) > 0);
      while ((await announceFew(deps)) > 0);
    },
    {
      pollMs: [500, 1_500],
      failed: (error) =>
        deps.telemetry.log('warn', 'the sweep of allocations failed and will be tried again', { error }),
      ended: () => Promise.resolve(),
    },
  );
  const healing = startLoop(async () => void (await healAll(deps)), {
    pollMs: [1_000, 3_000],
    failed: (error) => deps.telemetry.log('warn', 'healing failed and will be tried again', { error }),
    ended: () => Promise.resolve(),
  });
  const hygiene = startLoop(
    async () => {
      await deps.db.app.unsafe('select inventory.refusal_keep_partitions(7)');
      while ((await purgeFindings(deps)) > 0);
    },
    {
      pollMs: [3_000_000, 3_600_000],
      failed: (error) =>
        deps.telemetry.log('warn', 'what is kept for a time could not be looked through and will be again', { error }),
      ended: () => Promise.resolve(),
    },
  );
  const others =
    ears === undefined
      ? []
      : [
          listenToScopes(deps.db.app, scopes, ears.bus),
          ...serve(deps, ears.bus),
          ...(ears.steps === undefined ? [] : [startForgetting(deps, ears.steps)]),
          ...(ears.scopes === undefined ? [] : [startFillingScopes(deps, scopes, ears.scopes)]),
        ];
  const tenancy = ears?.scopes;
  return [sweep, healing, hygiene, startImportWorker(deps, tenancy === undefined ? {} : { tenancy }), ...others];
}

/** H1: what was done for steps that are gone with their tasks. */
function startForgetting({ db, telemetry }: Deps, steps: NonNullable<Ears['steps']>): Loop {
  const living = async (ids: readonly Id<'stp'>[]) => (await steps.living(itself, { ids: [...ids] })).ids;
  return startLoop(async () => void (await purgeOperations(db.app, schemaName, living)), {
    pollMs: [3_000_000, 3_600_000],
    failed: (error) => telemetry.log('warn', 'old operations could not be forgotten and will be again', { error }),
    ended: () => Promise.resolve(),
  });
}

/** Serves steps for tasks: commands in from the bus, answers out through the outbox, and what processes left behind. */
function serve(deps: Deps, bus: Bus): readonly Pick<Loop, 'stop'>[] {
  const { log } = deps.telemetry;
  const failed = (error: unknown) => log('error', 'a step could not be gone on with and will be again', { error });
  const actions = inventorySteps(deps);
  const { steps, running } = serveSteps({ db: deps.db.app, schema: schemaName, actions, bus, log });
  const resuming = startLoop(() => steps.resume(), { pollMs: [1_000, 3_000], failed, ended: () => Promise.resolve() });
  return [resuming, ...running];
}

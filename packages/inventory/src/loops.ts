import type { Bus } from '@sentral/kernel/bus/port';
import { consumeSteps } from '@sentral/kernel/bus/steps';
import { claimLease, releaseLease, renewLease } from '@sentral/kernel/lease';
import { servedSteps } from '@sentral/kernel/operation';
import { startOutbox } from '@sentral/kernel/outbox';
import { startLoop, type Loop } from '@sentral/kernel/relay';
import { sweepAllocations } from './allocation/sweep.js';
import { schemaName } from './change.js';
import type { Deps } from './deps.js';
import { startImportWorker } from './import/worker.js';
import { listenToTenancy } from './listen.js';
import type { TenantSource } from './import/tenants.js';
import { inventorySteps } from './serve.js';
import { fillProjection, type ScopeSource } from './projection/fill.js';

/** What this context hears others by. */
export interface Ears {
  readonly bus: Bus;
  /** Absent where this process is not told of tenancy: events and what callers bring are then all it has. */
  readonly scopes?: ScopeSource & TenantSource;
}

/** What runs by itself while this context is up; each takes row locks with skip locked, or a lease, so any number of processes may run it. */
export function createInventoryLoops(deps: Deps, ears?: Ears): readonly Pick<Loop, 'stop'>[] {
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
  const others =
    ears === undefined
      ? []
      : [
          listenToTenancy(deps, ears.bus),
          ...serve(deps, ears.bus),
          ...(ears.scopes === undefined ? [] : [startFilling(deps, ears.scopes)]),
        ];
  const tenancy = ears?.scopes;
  return [sweep, startImportWorker(deps, tenancy === undefined ? {} : { tenancy }), ...others];
}

/** Serves steps for tasks: commands in from the bus, answers out through the outbox, and what processes left behind. */
function serve(deps: Deps, bus: Bus): readonly Pick<Loop, 'stop'>[] {
  const { db, telemetry } = deps;
  const failed = (error: unknown) =>
    telemetry.log('error', 'a step could not be gone on with and will be again', { error });
  const outbox = startOutbox({
    db: db.app,
    schema: schemaName,
    bus,
    log: telemetry.log,
    // Sentral asks again for an answer that it never got.
    deadLetter: async (_, { messageId, reason }) =>
      telemetry.log('error', 'an answer of a step could not be sent', { messageId, reason }),
  });
  const steps = servedSteps({
    db: db.app,
    schema: schemaName,
    service: schemaName,
    actions: inventorySteps(deps),
    answered: outbox.wake,
  });
  const report = (reason: string) => telemetry.log('error', reason, { service: schemaName });
  const commands = consumeSteps(bus, schemaName, { on: steps, report });
  const resuming = startLoop(() => steps.resume(), { pollMs: [1_000, 3_000], failed, ended: () => Promise.resolve() });
  return [commands, resuming, outbox];
}

const fillLease = 'projection.fill';
/** Once a day whoever comes first goes through all scopes again: what an event that was lost would have said. */
const fillEveryMs = 24 * 3_600_000;
/** From page to page; another takes over where this one went away. */
const fillHoldMs = 60_000;
const retryMs: readonly [number, number] = [5_000, 15_000];

function startFilling(deps: Deps, scopes: ScopeSource): Loop {
  let filledAt = -Infinity;
  return startLoop(
    async () => {
      if (performance.now() - filledAt < fillEveryMs) return;
      const lease = await claimLease(deps.db.app, schemaName, fillLease, { holdMs: fillHoldMs });
      if (lease === undefined) return;
      let held = true;
      try {
        const seen = await fillProjection(deps, scopes, async (so) => {
          deps.telemetry.log('debug', 'the projection of scopes is being filled', { scopes: so });
          held = await renewLease(deps.db.app, schemaName, { ...lease, holdMs: fillHoldMs });
          return held;
        });
        if (!held) return;
        filledAt = performance.now();
        deps.telemetry.log('info', 'the projection of scopes was gone through', { scopes: seen });
      } finally {
        await releaseLease(deps.db.app, schemaName, lease);
      }
    },
    {
      pollMs: retryMs,
      failed: (error) =>
        deps.telemetry.log('warn', 'the projection of scopes could not be filled and will be tried again', { error }),
      ended: () => Promise.resolve(),
    },
  );
}

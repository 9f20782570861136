import type { Bus } from '@sentral/kernel/bus/port';
import type { Loop } from '@sentral/kernel/relay';
import { listenToScopes, startFillingScopes, type ScopeSource } from '@sentral/kernel/scopes/news';
import type { Telemetry } from '@sentral/kernel/telemetry';
import type { Deps } from './deps.js';
import { scopes } from './projection/view.js';

/** What this context hears others by. */
export interface Ears {
  readonly bus: Bus;
  /** Absent where this process is not told of tenancy: events and what callers bring are then all it has. */
  readonly scopes?: ScopeSource;
}

/** What runs by itself while this context is up; each takes a lease or is told by the bus, so any number of processes may run it. */
export function createTaskLoops(
  deps: Deps & { readonly telemetry: Pick<Telemetry, 'log'> },
  ears: Ears,
): readonly Pick<Loop, 'stop'>[] {
  return [
    listenToScopes(deps.db.app, scopes, ears.bus),
    ...(ears.scopes === undefined ? [] : [startFillingScopes(deps, scopes, ears.scopes)]),
  ];
}

import type { Bus } from '@sentral/kernel/bus/port';
import type { Loop } from '@sentral/kernel/relay';
import { listenToScopes, startFillingScopes, type ScopeSource } from '@sentral/kernel/scopes/news';
import { serveChildren } from './child/loops.js';
import type { Deps } from './deps.js';
import { scopes } from './projection/view.js';
import { serveFunctions, type Functions } from './function/serve.js';
import { holdingScans, type Allocations } from './reconcile/holdings.js';
import { observedScans, type Observed } from './reconcile/observed.js';
import { startReconciler } from './reconcile/runner.js';
import { ownScans } from './reconcile/scans.js';
import { startAdmission } from './run/admission.js';
import { startAuthorization, type MayStill } from './run/authorization.js';
import { listenToBeats } from './run/beats.js';
import { listenToReplies } from './run/replies.js';
import { startRetention } from './run/retention.js';
import { startScan } from './run/scan.js';
import { startSending } from './run/sending.js';
import { startTimers } from './run/timers.js';
import { startSchedules } from './schedule/run.js';
import { planner, schedulePlanner, type Registry } from './workflow/workflow.js';

/** What tasks hear others by. */
export interface Ears {
  /** How many replies this process takes at once; 32 unless told. */
  readonly repliesAtOnce?: number;
  readonly bus: Bus;
  readonly mayStill: MayStill;
  /** What children are made of. */
  readonly registry: Registry;
  /** What the service `sentral` computes; without them this process does not serve it. */
  readonly functions?: Functions;
  /** Inventory's word about what tasks hold. Absent where this process is not told of inventory. */
  readonly allocations?: Allocations;
  /** Inventory's word about what should be there, and where it hears what is. */
  readonly observed?: Observed;
  /** Absent where this process is not told of tenancy: events and what callers bring are then all it has. */
  readonly scopes?: ScopeSource;
}

/**
 * What moves tasks on. Nothing of it is remembered: every round begins with what the database says, so any number of processes
 * run it, and one that starts goes on where any other stopped.
 */
export function createTaskLoops(deps: Deps, ears: Ears): readonly Pick<Loop, 'stop'>[] {
  const { bus, mayStill, registry } = ears;
  return [
    listenToScopes(deps.db.app, scopes, bus),
    ...(ears.scopes === undefined ? [] : [startFillingScopes(deps, scopes, ears.scopes)]),
    listenToReplies(deps, bus, ears.repliesAtOnce),
    listenToBeats(deps, bus),
    startSending(deps, bus),
    startTimers(deps, bus),
    startAdmission(deps),
    startAuthorization(deps, mayStill),
    startScan(deps),
    startRetention(deps),
    startSchedules(deps, { planScheduled: schedulePlanner(registry), mayStill }),
    ...startReconciler(deps, [
      ...ownScans(deps, bus),
      ...(ears.allocations === undefined ? [] : holdingScans(deps, ears.allocations)),
      ...(ears.observed === undefined ? [] : observedScans(deps, bus, ears.observed)),
    ]),
    ...serveChildren(deps, bus, planner(registry)),
    ...(ears.functions === undefined ? [] : serveFunctions(deps, bus, ears.functions)),
  ];
}

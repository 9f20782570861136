import type { Bus } from '@sentral/kernel/bus/port';
import type { Loop } from '@sentral/kernel/relay';
import type { Deps } from './deps.js';
import { startAdmission } from './run/admission.js';
import { startAuthorization, type MayStill } from './run/authorization.js';
import { listenToBeats } from './run/beats.js';
import { listenToReplies } from './run/replies.js';
import { startRetention } from './run/retention.js';
import { startScan } from './run/scan.js';
import { startSending } from './run/sending.js';
import { startTimers } from './run/timers.js';

/** What tasks hear others by. */
export interface Ears {
  readonly bus: Bus;
  readonly mayStill: MayStill;
}

/**
 * What moves tasks on. Nothing of it is remembered: every round begins with what the database says, so any number of processes
 * run it, and one that starts goes on where any other stopped.
 */
export function createTaskLoops(deps: Deps, { bus, mayStill }: Ears): readonly Pick<Loop, 'stop'>[] {
  return [
    listenToReplies(deps, bus),
    listenToBeats(deps, bus),
    startSending(deps, bus),
    startTimers(deps, bus),
    startAdmission(deps),
    startAuthorization(deps, mayStill),
    startScan(deps),
    startRetention(deps),
  ];
}

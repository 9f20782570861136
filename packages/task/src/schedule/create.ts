import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { schedulesMax, type Schedule } from '@sentral/contracts/task/schedule';
import { bringForward } from '@sentral/kernel/scopes/news';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { initiatorOf, lockPlace } from '../place.js';
import { scopes } from '../projection/view.js';
import { lockLane } from '../store/sql.js';
import type { PlanScheduled } from '../workflow/workflow.js';
import { recordSchedule } from './record.js';
import { toSchedule } from './resource.js';
import { nextAfter, wrongOf, type Timing } from './rules.js';
import { countSchedules, findSchedule, insertSchedule, readNow } from './sql.js';

/**
 * Makes a schedule; its plan is made once to see that it can be.
 * @throws Problem reference-not-found | scope-not-active | already-exists | quota-exceeded | validation-failed
 */
export async function createSchedule(
  deps: Deps,
  caller: Caller,
  { planScheduled, ...command }: Command<'schedule', 'create'> & { planScheduled: PlanScheduled },
): Promise<Schedule> {
  const id = deps.newId();
  const { scopeId, name, kind, cron, timeZone, overlap, enabled, input = {} } = command;
  planScheduled({ kind, input, scopeId }, { taskId: encodeId('tsk', deps.newId()), newId: deps.newId });
  await bringForward(deps.db.app, scopes, caller.scopes);
  return inChange(deps, caller, async (tx) => {
    const place = await lockPlace(tx, scopeId);
    const nextAt = expectNext({ cron, timeZone }, await readNow(tx));
    const owner = initiatorOf(caller);
    const row = { id, ...place, name, kind, input, cron, timeZone, overlap, enabled, owner };
    await insertSchedule(tx, { ...row, nextAt: enabled ? nextAt : null });
    const made = await findSchedule(tx, id);
    if (made === undefined) throw new Error('a schedule that was just made is not there');
    await recordSchedule(tx, caller, { what: 'schedule.created', after: made });
    await lockLane(tx, place.tenantId);
    const used = await countSchedules(tx, place.tenantId);
    if (used > schedulesMax) {
      const facts = { dimension: 'task.schedules', limit: schedulesMax, used: used - 1, requested: 1 };
      throw problem('quota-exceeded', { ...facts, scope: encodeId('tnt', place.tenantId) });
    }
    return toSchedule(made);
  });
}

/**
 * When it is due first.
 * @throws Problem validation-failed
 */
export function expectNext(timing: Timing, now: Date): Date {
  const wrong = wrongOf(timing, now);
  const next = wrong === undefined ? nextAfter(timing, now) : undefined;
  if (next !== undefined) return next;
  const { pointer = '/cron', message = 'must come true some day' } = wrong ?? {};
  throw problem('validation-failed', { errors: [{ pointer, code: 'check', message }] });
}

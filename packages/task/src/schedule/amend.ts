import { canonicalJson } from '@sentral/contracts/canonical-json';
import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import type { Schedule } from '@sentral/contracts/task/schedule';
import { expectVersion } from '@sentral/kernel/change';
import { inChange, schemaName } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { initiatorOf } from '../place.js';
import { expectSeen } from '../reading.js';
import type { PlanScheduled } from '../workflow/workflow.js';
import { expectNext } from './create.js';
import { recordSchedule } from './record.js';
import { placeOf, toSchedule } from './resource.js';
import { amendScheduleRow, findSchedule, lockSchedule } from './sql.js';

/**
 * Changes a schedule. Whoever does is its owner from then on: nobody makes another one's rights do something else.
 * @throws Problem not-found | version-mismatch | validation-failed
 */
export async function amendSchedule(
  deps: Deps,
  caller: Caller,
  { planScheduled, ...command }: Command<'schedule', 'amend'> & { planScheduled: PlanScheduled },
): Promise<Schedule> {
  const id = decodeId('sch', command.id);
  const taskId = encodeId('tsk', deps.newId());
  const { patch } = command;
  return inChange(deps, caller, async (tx) => {
    const before = expectSeen(caller, await lockSchedule(tx, id), 'schedule');
    const current = { prefix: 'sch' as const, id, version: before.version };
    await expectVersion(tx, schemaName, { current, provided: command.version });
    const {
      input = before.input,
      cron = before.cron,
      timeZone = before.timeZone,
      overlap = before.overlap,
      enabled = before.enabled,
    } = patch;
    if (patch.input !== undefined)
      planScheduled({ kind: before.kind, input, scopeId: placeOf(before) }, { taskId, newId: deps.newId });
    const moved = cron !== before.cron || timeZone !== before.timeZone || enabled !== before.enabled;
    const nextAt = moved ? expectNext({ cron, timeZone }, before.now) : before.nextAt;
    const held = enabled ? null : before.held;
    const owner = initiatorOf(caller);
    const same =
      !moved &&
      overlap === before.overlap &&
      canonicalJson([input, owner]) === canonicalJson([before.input, before.owner]);
    if (same || Object.keys(patch).length === 0) return toSchedule(before);
    const to = { input, cron, timeZone, overlap, enabled, held, owner, nextAt: enabled ? nextAt : null };
    await amendScheduleRow(tx, id, to);
    const after = (await findSchedule(tx, id)) ?? before;
    await recordSchedule(tx, caller, { what: 'schedule.amended', before, after });
    return toSchedule(after);
  });
}

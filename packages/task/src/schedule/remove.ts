import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Schedule } from '@sentral/contracts/task/schedule';
import { expectVersion } from '@sentral/kernel/change';
import { inChange, schemaName } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { expectSeen } from '../reading.js';
import { recordSchedule } from './record.js';
import { toSchedule } from './resource.js';
import { deleteSchedule, lockSchedule } from './sql.js';

/**
 * Ends a schedule; what it has begun goes on.
 * @throws Problem not-found | version-mismatch
 */
export async function removeSchedule(
  deps: Deps,
  caller: Caller,
  command: Command<'schedule', 'remove'>,
): Promise<Schedule> {
  const id = decodeId('sch', command.id);
  return inChange(deps, caller, async (tx) => {
    const before = expectSeen(caller, await lockSchedule(tx, id), 'schedule');
    const current = { prefix: 'sch' as const, id, version: before.version };
    await expectVersion(tx, schemaName, { current, provided: command.version });
    await deleteSchedule(tx, id);
    await recordSchedule(tx, caller, { what: 'schedule.removed', before, after: null });
    return toSchedule(before);
  });
}

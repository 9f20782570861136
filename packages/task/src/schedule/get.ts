import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Schedule } from '@sentral/contracts/task/schedule';
import type { Deps } from '../deps.js';
import { expectSeen, readingAs } from '../reading.js';
import { toSchedule } from './resource.js';
import { findSchedule } from './sql.js';

/**
 * One schedule that the caller may see.
 * @throws Problem not-found
 */
export async function getSchedule(deps: Deps, caller: Caller, command: { id: string }): Promise<Schedule> {
  const row = await readingAs(deps, caller, (on) => findSchedule(on, decodeId('sch', command.id)));
  return toSchedule(expectSeen(caller, row, 'schedule'));
}

import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { page, query, sorted } from '@sentral/kernel/page';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { readingAs, taskSeen } from '../reading.js';
import { toSchedule } from './resource.js';
import { selectSchedule, type ScheduleRow } from './sql.js';

/**
 * Schedules that the caller may see, the newest first unless told.
 * @throws Problem invalid-cursor
 */
export async function listSchedules(
  deps: Deps,
  caller: Caller,
  command: Command<'schedule', 'list'>,
): Promise<Result<'schedule', 'list'>> {
  const q = query();
  q.and(taskSeen(q, caller, 's'));
  if (command.kind !== undefined) q.and(`s.kind = ${q.value(command.kind)}`);
  if (command.enabled !== undefined) q.and(`s.enabled = ${q.value(command.enabled)}`);
  if (command.projectId !== undefined) q.and(`s.project_id = ${q.value(decodeId('prj', command.projectId))}::uuid`);
  if (command.environmentId !== undefined)
    q.and(`s.environment_id = ${q.value(decodeId('env', command.environmentId))}::uuid`);
  const order = sorted(q, { ...command, id: 's.id', by: {} });
  const text = `${order.select(selectSchedule)} ${q.where()} ${order.orderBy} limit ${q.value(command.limit + 1)}`;
  const rows = await readingAs(deps, caller, (on) => on.unsafe(text, q.params));
  return page(rows as unknown as readonly ScheduleRow[], command.limit, { item: toSchedule, keys: order.keys });
}

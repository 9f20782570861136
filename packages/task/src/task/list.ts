import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { page, query, sorted } from '@sentral/kernel/page';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { readingAs, taskSeen } from '../reading.js';
import { toTask } from './resource.js';
import { selectTask, type TaskRead } from './sql.js';

/**
 * Tasks that the caller may see, the newest first unless told.
 * @throws Problem invalid-cursor
 */
export async function listTasks(
  deps: Deps,
  caller: Caller,
  command: Command<'task', 'list'>,
): Promise<Result<'task', 'list'>> {
  const q = query();
  q.and(taskSeen(q, caller));
  if (command.state !== undefined) q.and(`t.state = any(${q.value(command.state)}::text[])`);
  if (command.kind !== undefined) q.and(`t.kind = ${q.value(command.kind)}`);
  if (command.projectId !== undefined) q.and(`t.project_id = ${q.value(decodeId('prj', command.projectId))}::uuid`);
  if (command.environmentId !== undefined)
    q.and(`t.environment_id = ${q.value(decodeId('env', command.environmentId))}::uuid`);
  const order = sorted(q, { ...command, id: 't.id', by: {} });
  const text = `${order.select(selectTask)} ${q.where()} ${order.orderBy} limit ${q.value(command.limit + 1)}`;
  const rows = await readingAs(deps, caller, (on) => on.unsafe(text, q.params));
  return page(rows as unknown as readonly TaskRead[], command.limit, { item: toTask, keys: order.keys });
}

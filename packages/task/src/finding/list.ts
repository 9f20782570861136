import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { page, query, sorted } from '@sentral/kernel/page';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { expectOperator } from '../operator.js';
import { toFinding } from './resource.js';
import { selectFinding, type FindingRow } from './sql.js';

/**
 * What tasks cannot settle, the newest first unless told.
 * @throws Problem permission-denied | invalid-cursor
 */
export async function listFindings(
  deps: Deps,
  caller: Caller,
  command: Command<'finding', 'list'>,
): Promise<Result<'finding', 'list'>> {
  expectOperator(caller, 'task.finding.read');
  const q = query();
  if (command.state !== undefined) q.and(`f.state = any(${q.value(command.state)}::text[])`);
  if (command.kind !== undefined) q.and(`f.kind = ${q.value(command.kind)}`);
  if (command.service !== undefined) q.and(`f.service = ${q.value(command.service)}`);
  if (command.taskId !== undefined) q.and(`f.task_id = ${q.value(decodeId('tsk', command.taskId))}::uuid`);
  const order = sorted(q, { ...command, id: 'f.id', by: {} });
  const text = `${order.select(selectFinding)} ${q.where()} ${order.orderBy} limit ${q.value(command.limit + 1)}`;
  const rows = await deps.db.platform.unsafe(text, q.params);
  return page(rows as unknown as readonly FindingRow[], command.limit, { item: toFinding, keys: order.keys });
}

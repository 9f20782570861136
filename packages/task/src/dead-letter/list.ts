import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { page, query, sorted } from '@sentral/kernel/page';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { expectOperator } from '../operator.js';
import { toLetter } from './resource.js';
import { selectLetter, type LetterRow } from './sql.js';

/**
 * What needs a person, the newest first unless told.
 * @throws Problem permission-denied | invalid-cursor
 */
export async function listLetters(
  deps: Deps,
  caller: Caller,
  command: Command<'deadLetter', 'list'>,
): Promise<Result<'deadLetter', 'list'>> {
  expectOperator(caller, 'task.deadLetter.read');
  const q = query();
  if (command.state !== undefined) q.and(`d.state = any(${q.value(command.state)}::text[])`);
  if (command.origin !== undefined) q.and(`d.origin = ${q.value(command.origin)}`);
  if (command.taskId !== undefined) q.and(`d.task_id = ${q.value(decodeId('tsk', command.taskId))}::uuid`);
  const order = sorted(q, { ...command, id: 'd.id', by: {} });
  const text = `${order.select(selectLetter)} ${q.where()} ${order.orderBy} limit ${q.value(command.limit + 1)}`;
  const rows = await deps.db.platform.unsafe(text, q.params);
  return page(rows as unknown as readonly LetterRow[], command.limit, { item: toLetter, keys: order.keys });
}

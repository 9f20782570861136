import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { query } from '@sentral/kernel/page';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { allocationSeen, page, readingAs, sorted } from '../reading.js';
import { isKept, selectRefusal, toRefusal, type RefusalRow } from './resource.js';

/**
 * Refusals of the last day in the environments that the caller sees.
 * @throws Problem invalid-cursor
 */
export async function listRefusals(
  deps: Deps,
  caller: Caller,
  command: Command<'refusal', 'list'>,
): Promise<Result<'refusal', 'list'>> {
  const q = query();
  q.and(isKept);
  q.and(allocationSeen(q, caller, 'f'));
  if (command.environmentId !== undefined)
    q.and(`f.scope_id = ${q.value(decodeId('env', command.environmentId))}::uuid`);
  const order = sorted(q, { sort: 'id', cursor: command.cursor, id: 'f.id', by: {} });
  const rows = (await readingAs(deps, caller, (on) =>
    on.unsafe(`${selectRefusal} ${q.where()} ${order.orderBy} limit ${q.value(command.limit + 1)}`, q.params),
  )) as unknown as readonly RefusalRow[];
  return page(rows, command.limit, { item: (row) => toRefusal(caller, row), keys: order.keys });
}

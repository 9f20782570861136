import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { query } from '@sentral/kernel/page';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { allocationSeen, page, readingAs, sorted } from '../reading.js';
import { toAllocation } from './resource.js';
import { allocationColumns, listItems, type AllocationRow } from './sql.js';

/**
 * Allocations that the caller may see, ordered by id unless told; one past its expiry is shown, and found, as expired.
 * @throws Problem invalid-cursor
 */
export async function listAllocations(
  deps: Deps,
  caller: Caller,
  command: Command<'allocation', 'list'>,
): Promise<Result<'allocation', 'list'>> {
  const q = query();
  q.and(allocationSeen(q, caller, 'a'));
  if (command.environmentId !== undefined)
    q.and(`a.scope_id = ${q.value(decodeId('env', command.environmentId))}::uuid`);
  if (command.projectId !== undefined) q.and(`a.project_id = ${q.value(decodeId('prj', command.projectId))}::uuid`);
  if (command.consumerService !== undefined) q.and(`a.consumer_service = ${q.value(command.consumerService)}`);
  if (command.consumerKind !== undefined) q.and(`a.consumer_kind = ${q.value(command.consumerKind)}`);
  if (command.consumerId !== undefined) q.and(`a.consumer_id = ${q.value(command.consumerId)}`);
  if (command.state !== undefined) {
    q.and(
      `case when a.ended_at is null and a.expires_at <= now() then 'expired' else a.state end = any(${q.value(command.state)}::text[])`,
    );
  }
  if (command.nodeId !== undefined) {
    q.and(
      `exists (select from allocation_item i where i.allocation_id = a.id and i.node_id = ${q.value(decodeId('nod', command.nodeId))}::uuid)`,
    );
  }
  const order = sorted(q, { ...command, id: 'a.id', by: { createdAt: { by: 'a.created_at', gives: 'timestamptz' } } });
  const { rows, items } = await readingAs(deps, caller, async (on) => {
    const found = (await on.unsafe(
      `${order.select(`select ${allocationColumns} from allocation a`)} ${q.where()} ${order.orderBy} limit ${q.value(command.limit + 1)}`,
      q.params,
    )) as unknown as readonly AllocationRow[];
    return {
      rows: found,
      items: await listItems(
        on,
        found.map((row) => row.id),
      ),
    };
  });
  return page(rows, command.limit, {
    item: (row) =>
      toAllocation(
        row,
        items.filter((item) => item.allocationId === row.id),
      ),
    keys: order.keys,
  });
}

import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { query, type Query } from '@sentral/kernel/page';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { allocationSeen, page, readingAs, sorted } from '../reading.js';
import { heldThen } from './past.js';
import { toAllocation } from './resource.js';
import { allocationColumns, listItems, type AllocationRow } from './sql.js';

/**
 * Allocations that the caller may see, ordered by id unless told; one past its expiry is shown, and found, as expired. As of an instant,
 * those that there were, as they were, by what they held then.
 * @throws Problem invalid-cursor, invalid-parameter, position-expired
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
  addThings(q, command);
  const order = sorted(q, { ...command, id: 'a.id', by: { createdAt: { by: 'a.created_at', gives: 'timestamptz' } } });
  const then = await heldThen(deps, command.asOf);
  const { rows, items } = await readingAs(deps, caller, async (connection) => {
    const on = then(connection);
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

/** What one of their items is, or was. Of a node there are two indexes: of items that count, and of the many more that do not any more. */
function addThings(q: Query, command: Command<'allocation', 'list'>): void {
  const things = [
    ['node_id', 'uuid', command.nodeId === undefined ? undefined : decodeId('nod', command.nodeId)],
    ['domain_id', 'uuid', command.domainId === undefined ? undefined : decodeId('ndm', command.domainId)],
    ['number', 'bigint', command.number],
    ['space_id', 'uuid', command.spaceId === undefined ? undefined : decodeId('spc', command.spaceId)],
    ['address', 'inet', command.address],
    ['taken_block_id', 'uuid', command.blockId === undefined ? undefined : decodeId('blk', command.blockId)],
  ] as const;
  const conditions = things.flatMap(([column, type, value]) =>
    value === undefined ? [] : [`i.${column} = ${q.value(value)}::${type}`],
  );
  if (conditions.length === 0) return;
  const is = conditions.join(' and ');
  const then = command.asOf === undefined ? '' : ` and i.ended_at >= ${q.value(command.asOf)}::timestamptz`;
  q.and(`exists (select from allocation_item i where i.allocation_id = a.id and ${is})`);
  q.and(`a.id in (
    select i.allocation_id from inventory.allocation_item i where ${is} and i.ended_at is null
    union all
    select i.allocation_id from inventory.allocation_item i where ${is} and i.ended_at is not null${then})`);
}

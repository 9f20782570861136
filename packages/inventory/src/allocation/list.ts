import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { query, type Query } from '@sentral/kernel/page';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { allocationSeen, page, readingAs, sorted } from '../reading.js';
import { heldThen } from './past.js';
import { toAllocation } from './resource.js';
import { allocationColumns, listItems, type AllocationRow } from './sql.js';

type Asked = Command<'allocation', 'list'>;

/**
 * Allocations that the caller may see, ordered by id unless told; one past its expiry is shown, and found, as expired. As of an instant,
 * those that there were, as they were, by what they held then.
 * @throws Problem invalid-cursor, invalid-parameter, position-expired
 */
export async function listAllocations(
  deps: Deps,
  caller: Caller,
  command: Asked,
): Promise<Result<'allocation', 'list'>> {
  const q = query();
  q.and(allocationSeen(q, caller, 'a'));
  if (command.environmentId !== undefined)
    q.and(`a.scope_id = ${q.value(decodeId('env', command.environmentId))}::uuid`);
  if (command.projectId !== undefined) q.and(`a.project_id = ${q.value(decodeId('prj', command.projectId))}::uuid`);
  if (command.consumerService !== undefined) q.and(`a.consumer_service = ${q.value(command.consumerService)}`);
  if (command.consumerKind !== undefined) q.and(`a.consumer_kind = ${q.value(command.consumerKind)}`);
  if (command.consumerId !== undefined) {
    const is = `consumer_id = ${q.value(command.consumerId)}`;
    q.and(`a.${is}`);
    // Two indexes, of what lives and of the rest: neither alone answers for both. Whose it is never changes, so they answer for the past too.
    if (!livesOnly(command)) {
      const had = (end: string) => `select c.id from inventory.allocation c where c.${is} and c.ended_at ${end}`;
      q.and(`a.id in (${had('is null')} union all ${had('is not null')})`);
    }
  }
  if (command.state !== undefined) {
    q.and(
      `case when a.ended_at is null and a.expires_at <= now() then 'expired' else a.state end = any(${q.value(command.state)}::text[])`,
    );
  }
  // Said beside, since no index knows of the case: what lives is found without looking at all that has ended.
  if (livesOnly(command)) q.and('a.ended_at is null');
  const { from, id } = named(q, command);
  const order = sorted(q, { ...command, id, by: { createdAt: { by: 'a.created_at', gives: 'timestamptz' } } });
  const then = await heldThen(deps, command.asOf);
  const { rows, items } = await readingAs(deps, caller, async (connection) => {
    const on = then(connection);
    const found = (await on.unsafe(
      `${order.select(`select ${allocationColumns} from ${from}`)} ${q.where()} ${order.orderBy} limit ${q.value(command.limit + 1)}`,
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

const living: readonly string[] = ['booked', 'held', 'active', 'releasing'];

const livesOnly = ({ state, asOf }: Asked): boolean =>
  asOf === undefined && state !== undefined && state.every((each) => living.includes(each));

/**
 * Which allocations are looked at, and by what they are in order: all, or those of which one item is what is named, or was. Found by
 * their items, of which a node may have had any number: a page is read off an index in its order.
 */
function named(q: Query, command: Asked): { readonly from: string; readonly id: string } {
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
  if (conditions.length === 0) return { from: 'allocation a', id: 'a.id' };
  const is = conditions.join(' and ');
  if (command.asOf === undefined) {
    const lives = livesOnly(command) ? ' and i.ended_at is null' : '';
    const had = `select distinct i.allocation_id as id from allocation_item i where ${is}${lives}`;
    return { from: `(${had}) had join allocation a on a.id = had.id`, id: 'had.id' };
  }
  // Of a node there are two indexes: of items that count, and of the many more that do not any more.
  q.and(`exists (select from allocation_item i where i.allocation_id = a.id and ${is})`);
  q.and(`a.id in (
    select i.allocation_id from inventory.allocation_item i where ${is} and i.ended_at is null
    union all
    select i.allocation_id from inventory.allocation_item i where ${is} and i.ended_at is not null and i.ended_at >= ${q.value(command.asOf)}::timestamptz)`);
  return { from: 'allocation a', id: 'a.id' };
}

import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { readSelector } from '@sentral/contracts/label-selector';
import { query } from '@sentral/kernel/page';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { labelConditions } from '../node/labels.js';
import { allocationSeen, page, readingAs, sorted } from '../reading.js';
import { toPlatformResource } from './row.js';
import { selectPlatformResource, type PlatformResourceRow } from './sql.js';

/**
 * The living resources of the platform that the caller may see, ordered by id unless told.
 * @throws Problem invalid-cursor, unsupported-filter
 */
export async function listPlatformResources(
  deps: Deps,
  caller: Caller,
  command: Command<'platformResource', 'list'>,
): Promise<Result<'platformResource', 'list'>> {
  const q = query();
  q.and('r.ended_at is null');
  q.and(allocationSeen(q, caller, 'r'));
  if (command.kind !== undefined) q.and(`r.kind = ${q.value(command.kind)}`);
  if (command.environmentId !== undefined)
    q.and(`r.scope_id = ${q.value(decodeId('env', command.environmentId))}::uuid`);
  if (command.projectId !== undefined) q.and(`r.project_id = ${q.value(decodeId('prj', command.projectId))}::uuid`);
  if (command.name !== undefined) q.and(`r.name = ${q.value(command.name)}`);
  if (command.after !== undefined) q.and(`r.node_id > ${q.value(decodeId('nod', command.after))}::uuid`);
  if (command.dependsOn !== undefined) {
    const on = q.value(decodeId('nod', command.dependsOn));
    q.and(`exists (select from edge_end own join edge_end onto on onto.edge_id = own.edge_id and onto.side = 'b'
      where own.node_id = r.node_id and own.side = 'a' and own.edge_type = 'depends' and own.live and onto.node_id = ${on}::uuid)`);
  }
  if (command.state !== undefined) q.and(`n.state = any(${q.value(command.state)}::text[])`);
  if (command.labelSelector !== undefined)
    for (const condition of labelConditions(q, 'n', readSelector(command.labelSelector))) q.and(condition);
  const order = sorted(q, { ...command, id: 'r.node_id', by: {} });
  const text = `${order.select(selectPlatformResource)} ${q.where()} ${order.orderBy} limit ${q.value(command.limit + 1)}`;
  const rows = await readingAs(deps, caller, (on) => on.unsafe(text, q.params));
  return page(rows as unknown as readonly PlatformResourceRow[], command.limit, {
    item: toPlatformResource,
    keys: order.keys,
  });
}

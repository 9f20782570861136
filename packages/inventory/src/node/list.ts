import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { readSelector } from '@sentral/contracts/label-selector';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { pageOfShown, readingAt } from '../past.js';
import { listOf, sightOf, sorted, type SeeingQuery, type SortKeys } from '../reading.js';
import { labelConditions } from './labels.js';
import { selectNode, toNode, type NodeRow } from './row.js';

type Asked = Command<'node', 'list'>;

/** As node_by_name and node_by_created have them. A node without a name comes before those with one. */
const by: SortKeys<Asked['sort']> = {
  name: { by: `coalesce(n.name, '') collate "C"`, gives: 'text' },
  createdAt: { by: 'n.created_at', gives: 'timestamptz' },
};

/**
 * Nodes by filter, ordered by id unless told; as of an instant, those that were then, as they were.
 * @throws Problem invalid-cursor, unsupported-filter, invalid-parameter, position-expired
 */
export async function listNodes(deps: Deps, caller: Caller, command: Asked): Promise<Result<'node', 'list'>> {
  const at = await readingAt(deps, caller, command.asOf);
  const sight = sightOf(caller);
  const q = listOf('node', sight);
  addFilters(q, command);
  if (command.labelSelector !== undefined)
    for (const condition of labelConditions(q, 'n', readSelector(command.labelSelector))) q.and(condition);
  const order = sorted(q, { ...command, id: 'n.id', by });
  const text = `${order.select(selectNode)} ${q.where()} ${order.orderBy} limit ${q.value(command.limit + 1)}`;
  const rows = (await at.db.unsafe(text, q.params)) as unknown as readonly NodeRow[];
  return pageOfShown(at, { noun: 'node', rows, limit: command.limit }, { item: toNode, keys: order.keys });
}

function addFilters(q: SeeingQuery, command: Asked): void {
  if (command.kind !== undefined) q.and(`n.kind = any(${q.value(command.kind)}::text[])`);
  if (command.parentId === null) q.and(q.isRoot('node', 'n'));
  else if (command.parentId !== undefined) {
    const parentId = decodeId('nod', command.parentId);
    q.and(`n.parent_id = ${q.value(parentId)}::uuid`);
    q.andSeen('node', parentId);
  }
  if (command.name !== undefined) q.and(`${by.name.by} = ${q.value(command.name)}`);
  if (command.namePrefix !== undefined) {
    q.and(`${by.name.by} like ${q.value(`${command.namePrefix.replaceAll(/[\\%_]/g, '\\$&')}%`)}`);
    // Said beside as a range: a pattern that is not known yet when a statement is planned begins nowhere in the index.
    q.and(`${by.name.by} >= ${q.value(command.namePrefix)}`);
    const end = behind(command.namePrefix);
    if (end !== undefined) q.and(`${by.name.by} < ${q.value(end)}`);
  }
  if (command.state !== undefined) q.and(`n.state = any(${q.value(command.state)}::text[])`);
  else if (!command.showRetired) q.and(`n.state <> 'retired'`);
  if (command.intent !== undefined) q.and(`n.intent = any(${q.value(command.intent)}::text[])`);
  if (command.source === undefined && command.externalId === undefined) return;
  const keys = [
    ...(command.source === undefined ? [] : [`x.source = ${q.value(command.source)}`]),
    ...(command.externalId === undefined ? [] : [`x.external_id = ${q.value(command.externalId)}`]),
  ];
  q.and(`n.id in (select x.resource_id from external_id x where ${keys.join(' and ')} and x.resource_type = 'node')`);
}

/** The first text behind all that begin so, by code points; undefined where there is none. */
function behind(prefix: string): string | undefined {
  const points = Array.from(prefix, (each) => each.codePointAt(0) ?? 0);
  while (points.at(-1) === 0x10ffff) points.pop();
  const last = points.pop();
  // Half of a pair, which is no character, is sent as one that lies behind it.
  return last === undefined ? undefined : String.fromCodePoint(...points, last + 1);
}

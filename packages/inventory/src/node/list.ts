import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { readSelector } from '@sentral/contracts/label-selector';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { conceal, listOf, page, readCursor, readDb, sightOf, type SeeingQuery } from '../reading.js';
import { selectNode, toNode, type NodeRow } from './row.js';

type Asked = Command<'node', 'list'>;

/**
 * Nodes by filter, ordered by id.
 * @throws Problem invalid-cursor, unsupported-filter
 */
export async function listNodes(deps: Deps, caller: Caller, command: Asked): Promise<Result<'node', 'list'>> {
  const after = readCursor(command.cursor, ['uuid'])?.[0];
  const sight = sightOf(caller);
  const q = listOf('node', sight);
  addFilters(q, command);
  if (command.labelSelector !== undefined) addLabels(q, command.labelSelector);
  if (after !== undefined) q.and(`n.id > ${q.value(after)}::uuid`);
  const text = `${selectNode} ${q.where()} order by n.id limit ${q.value(command.limit + 1)}`;
  const db = readDb(deps, caller);
  const rows = (await db.unsafe(text, q.params)) as unknown as readonly NodeRow[];
  const found = page(rows, command.limit, { item: toNode, keys: (row) => [row.id] });
  return { ...found, items: await conceal(db, sight, found.items) };
}

function addFilters(q: SeeingQuery, command: Asked): void {
  if (command.kind !== undefined) q.and(`n.kind = any(${q.value(command.kind)}::text[])`);
  if (command.parentId === null) q.and(q.isRoot('node', 'n'));
  else if (command.parentId !== undefined) {
    const parentId = decodeId('nod', command.parentId);
    q.and(`n.parent_id = ${q.value(parentId)}::uuid`);
    q.andSeen('node', parentId);
  }
  if (command.name !== undefined) q.and(`n.name = ${q.value(command.name)}`);
  if (command.namePrefix !== undefined)
    q.and(`n.name like ${q.value(`${command.namePrefix.replaceAll(/[\\%_]/g, '\\$&')}%`)}`);
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

function addLabels(q: SeeingQuery, selector: string): void {
  for (const requirement of readSelector(selector)) {
    const key = q.value(requirement.key);
    if (!('values' in requirement)) q.and(`${requirement.op === 'absent' ? 'not ' : ''}n.labels ? ${key}::text`);
    else if (requirement.op === 'in') q.and(`n.labels ->> ${key}::text = any(${q.value(requirement.values)}::text[])`);
    else q.and(`coalesce(n.labels ->> ${key}::text <> all(${q.value(requirement.values)}::text[]), true)`);
  }
}

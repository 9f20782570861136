import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { page, query, readCursor, type Query } from '@sentral/kernel/page';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { readingAs } from '../reading.js';
import { uuidOf } from './build.js';
import { listVisible } from './sql.js';

type List = Command<'record', 'list'>;

/**
 * Records that the caller may see, the newest first unless told.
 * @throws Problem invalid-cursor, invalid-parameter, unsupported-filter
 */
export async function listRecords(deps: Deps, caller: Caller, command: List): Promise<Result<'record', 'list'>> {
  const { sort, limit } = command;
  const bySeq = sort.endsWith('seq');
  if (bySeq && command.logId === undefined)
    throw problem('unsupported-filter', { parameter: 'sort' }, 'The order of a log needs its logId.');
  const q = query();
  same(q, 'log_id', command.logId && decodeId('log', command.logId));
  same(q, 'tenant_id', command.tenantId && decodeId('tnt', command.tenantId));
  same(q, 'project_id', command.projectId && decodeId('prj', command.projectId));
  same(q, 'environment_id', command.environmentId && decodeId('env', command.environmentId));
  filter(q, command);
  bounded(q, command);
  const [order, after] = readCursor(command.cursor, ['text', bySeq ? 'number' : 'uuid']) ?? [sort];
  if (order !== sort) throw problem('invalid-cursor');
  const [key, down] = [bySeq ? 'seq' : 'id', sort.startsWith('-')] as const;
  if (after !== undefined) q.and(`r.${key} ${down ? '<' : '>'} ${q.value(after)}`);
  const rows = await readingAs(deps, caller, (on, visible) =>
    listVisible(on, q, { visible, order: down ? `${key} desc` : key, limit: limit + 1 }),
  );
  return page(rows, limit, { item: (row) => row.record, keys: (row) => [sort, row[key]] });
}

type Filter = Pick<
  List,
  | 'actorId'
  | 'resourceType'
  | 'resourceId'
  | 'actionPrefix'
  | 'class'
  | 'outcome'
  | 'policyRelevant'
  | 'requestId'
  | 'from'
  | 'to'
>;

/**
 * What a filter asks of a record, as conditions on `r`.
 * @throws Problem invalid-parameter
 */
export function filter(q: Query, command: Filter): void {
  const named = command.resourceId === undefined ? undefined : uuidOf(command.resourceId);
  if (named === null) throw problem('invalid-parameter', { parameter: 'resourceId' });
  same(q, 'actor_id', command.actorId && uuidOf(command.actorId));
  same(q, 'resource_id', named);
  same(q, 'request_id', command.requestId && decodeId('req', command.requestId));
  if (command.resourceType !== undefined) q.and(`r.resource_type = ${q.value(command.resourceType)}`);
  if (command.actionPrefix !== undefined) q.and(`starts_with(r.action, ${q.value(command.actionPrefix)})`);
  if (command.class !== undefined) q.and(`r.class = any(${q.value(command.class)}::text[])`);
  if (command.outcome !== undefined) q.and(`r.outcome = any(${q.value(command.outcome)}::text[])`);
  if (command.policyRelevant !== undefined)
    q.and(command.policyRelevant ? 'r.policy_relevant' : 'not r.policy_relevant');
  if (command.from !== undefined) q.and(`r.id >= ${q.value(firstIdOf(command.from))}::uuid`);
  if (command.to !== undefined) q.and(`r.id < ${q.value(firstIdOf(command.to))}::uuid`);
}

function same(q: Query, column: string, uuid: string | null | undefined): void {
  if (uuid !== undefined) q.and(`r.${column} = ${q.value(uuid)}::uuid`);
}

function bounded(q: Query, command: List): void {
  const { logId, resourceId, actorId, requestId, from, to } = command;
  if ([logId, resourceId, actorId, requestId, from, to].every((each) => each === undefined))
    q.and(`r.id >= audit.uuid7_floor(now() - interval '24 hours')`);
}

/** The first id of a moment: the time of a UUIDv7 is its first 48 bits. */
function firstIdOf(time: string): string {
  const hex = Math.max(0, Date.parse(time)).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-0000-0000-000000000000`;
}

import type { Caller } from '@sentral/contracts/contract';
import { readSelector } from '@sentral/contracts/label-selector';
import { page, query, sorted, type Query, type SortKeys } from '@sentral/kernel/page';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { onlyVisible, readingAs } from '../reading.js';
import { toScope, uuidOfScope, type StoredScope } from './row.js';
import { selectScope } from './sql.js';

type Asked = Command<'scope', 'list'>;

/** As scope_by_name and scope_by_created have them, behind the kind. */
const by: SortKeys<Asked['sort']> = {
  name: { by: 's.name collate "C"', gives: 'text' },
  createdAt: { by: 's.created_at', gives: 'timestamptz' },
};

/**
 * Scopes by filter, ordered by id unless told; deleted ones only when they are asked for.
 * @throws Problem invalid-cursor | unsupported-filter
 */
export async function listScopes(deps: Deps, caller: Caller, command: Asked): Promise<Result<'scope', 'list'>> {
  const q = query();
  addFilters(q, command);
  const order = sorted(q, { ...command, id: 's.id', by });
  const rows = await readingAs(deps, caller, (on, visible) => {
    onlyVisible(q, 's', visible);
    const text = `${order.select(selectScope)} ${q.where()} ${order.orderBy} limit ${q.value(command.limit + 1)}`;
    return on.unsafe(text, q.params);
  });
  return page(rows as unknown as readonly StoredScope[], command.limit, { item: toScope, keys: order.keys });
}

function addFilters(q: Query, command: Asked): void {
  q.and(`s.kind = ${q.value(command.kind)}`);
  if (command.parentId !== undefined) q.and(`s.parent_id = ${q.value(uuidOfScope(command.parentId))}::uuid`);
  if (command.name !== undefined) q.and(`${by.name.by} = ${q.value(command.name)}`);
  if (command.namePrefix !== undefined)
    q.and(`${by.name.by} like ${q.value(`${command.namePrefix.replaceAll(/[\\%_]/g, '\\$&')}%`)}`);
  if (command.class !== undefined) q.and(`s.class = any(${q.value(command.class)}::text[])`);
  if (command.state !== undefined) q.and(`s.state = any(${q.value(command.state)}::text[])`);
  else if (!command.showDeleted) q.and(`s.state <> 'deleted'`);
  for (const requirement of command.labelSelector === undefined ? [] : readSelector(command.labelSelector)) {
    const key = q.value(requirement.key);
    if (!('values' in requirement)) q.and(`${requirement.op === 'absent' ? 'not ' : ''}s.labels ? ${key}::text`);
    else if (requirement.op === 'in') q.and(`s.labels ->> ${key}::text = any(${q.value(requirement.values)}::text[])`);
    else q.and(`coalesce(s.labels ->> ${key}::text <> all(${q.value(requirement.values)}::text[]), true)`);
  }
}

import type { Caller } from '@sentral/contracts/contract';
import { scopeUuid } from '@sentral/kernel/scopes/view';
import { query } from '@sentral/kernel/page';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { readingAs, taskSeen } from '../reading.js';
import { columnOf, findScope } from '../usage/sql.js';
import { shownTask } from './resource.js';
import { livingTasksStatement, type LivingRead } from './sql.js';

/** What has not ended in a scope and below it, as far as the caller sees: how many in each state, and the newest. */
export async function livingTasks(
  deps: Deps,
  caller: Caller,
  { scopeId, limit }: Command<'task', 'living'>,
): Promise<Result<'task', 'living'>> {
  const id = scopeUuid(scopeId);
  const scope = await findScope(deps.db.platform, id);
  // A task is made in scopes that are known here, so nothing lives in one that is not.
  if (scope === undefined || scope.kind === 'platform') return { states: [], items: [], more: false };
  const q = query();
  q.and(`t.tenant_id = ${q.value(scope.tenantId)}::uuid and t.${columnOf[scope.kind]} = ${q.value(id)}::uuid`);
  q.and(taskSeen(q, caller));
  const text = livingTasksStatement(q, limit + 1);
  const rows = (await readingAs(deps, caller, (on) => on.unsafe(text, q.params))) as unknown as readonly LivingRead[];
  return { states: rows[0]?.states ?? [], items: rows.slice(0, limit).map(shownTask), more: rows.length > limit };
}

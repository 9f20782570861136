import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { taskSeen } from '../reading.js';
import { query } from '@sentral/kernel/page';

interface Claimant {
  readonly resource: string;
  readonly taskId: string;
  readonly kind: string;
  readonly state: Result<'task', 'claimants'>['items'][number]['state'];
}

/** Who changes these things now, as far as the caller sees; by the index that lets only one. */
export async function claimantsOf(
  deps: Deps,
  caller: Caller,
  { resources }: Command<'task', 'claimants'>,
): Promise<Result<'task', 'claimants'>> {
  if (resources.length === 0) return { items: [] };
  const q = query();
  q.and(`c.resource = any(${q.value(resources)}::text[]) and c.active and c.mode = 'exclusive'`);
  q.and(taskSeen(q, caller));
  const text = `select c.resource, c.task_id as "taskId", t.kind, t.state from claim c join task t on t.id = c.task_id ${q.where()}`;
  // Claims are the house's own bookkeeping: what a tenant may see of them is decided by whose the tasks are.
  const rows = (await deps.db.platform.unsafe(text, q.params)) as unknown as readonly Claimant[];
  return { items: rows.map(({ taskId, ...claim }) => ({ ...claim, taskId: encodeId('tsk', taskId) })) };
}

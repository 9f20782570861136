import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordAll } from '../platform-resource/record.js';
import { recordAllocation } from './events.js';
import { toAllocation } from './resource.js';
import { findByConsumer } from './consumer-sql.js';
import { listItems, type AllocationRow } from './sql.js';
import { amendExpiry } from './span-sql.js';
import { stepIn } from './step.js';

type Binding = Command<'allocation', 'bind'>;
type Task = Pick<Binding, 'tenantId' | 'taskId'>;

/**
 * Ties what was reserved for a task to it, and records what the task makes of it; bound or active already, it stays as it is.
 * @throws Problem not-found | lease-expired | state-conflict | already-exists
 */
export const bindAllocation = (deps: Deps, caller: Caller, command: Binding): Promise<Allocation> =>
  inChange(deps, caller, (tx) => bound(tx, caller, command));

export async function bound(tx: Tx, caller: Caller, { records, ...task }: Binding): Promise<Allocation> {
  const { id } = await heldFor(tx, task);
  const taskId = decodeId('tsk', task.taskId);
  return stepIn(tx, caller, {
    id: encodeId('alc', id),
    allowed: ['held', 'active'],
    work: async (_, row) => {
      const before = toAllocation(row, await listItems(tx, [id]));
      await recordAll(tx, caller, { holder: row, taskId, records });
      if (row.state === 'active' || row.boundTaskId === taskId) return before;
      const { policyVersion } = row;
      const changed = await amendExpiry(tx, { id, state: 'held', expiresInSeconds: null, policyVersion, taskId });
      return recordAllocation(tx, changed, { event: 'bound', by: caller, before });
    },
  });
}

/**
 * What a task holds, not yet locked.
 * @throws Problem not-found
 */
export async function heldFor(tx: Tx, task: Task): Promise<AllocationRow> {
  // As the facade names the task when it reserves for it.
  const consumer = { service: 'sentral', kind: 'task', id: task.taskId };
  const found = await findByConsumer(tx, decodeId('tnt', task.tenantId), consumer);
  if (found === undefined) throw problem('not-found', { resourceType: 'allocation' });
  return found;
}

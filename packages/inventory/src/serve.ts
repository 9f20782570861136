import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import { isProblem } from '@sentral/contracts/problem';
import { actions, standingMax, type Standing } from '@sentral/contracts/services/registry';
import type { Asker } from '@sentral/contracts/services/serve';
import type { Tx } from '@sentral/kernel/database';
import type { ServedAction } from '@sentral/kernel/bus/operation';
import type { InferOutput } from 'valibot';
import { bound, heldFor } from './allocation/bind.js';
import { confirmed } from './allocation/confirm.js';
import { releaseIn } from './allocation/perform.js';
import { judged } from './change.js';
import type { Deps } from './deps.js';
import { moveRecord } from './platform-resource/move.js';
import { endRecords, endRecordsOf } from './platform-resource/record.js';
import { toPlatformResource } from './platform-resource/row.js';
import { listStanding } from './platform-resource/sql.js';

const serves = actions.inventory;
type Serves = typeof serves;
type Input<A extends keyof Serves> = InferOutput<Serves[A]['input']>;

/**
 * The steps that inventory serves for tasks: the same functions that its verbs are made of, in the transaction that ends the
 * step. The operation's row is locked before anything of inventory's lock order; no verb takes one.
 */
export function inventorySteps(deps: Deps): Readonly<Record<keyof Serves, ServedAction>> {
  /** A task acts for its tenant: what is another's does not exist for it. */
  const callerOf = ({ taskid, tenantid, traceparent }: Asker): Caller => ({
    principal: { id: taskid, type: 'system' },
    accessEpoch: 0,
    readScope: { tenantIds: [tenantid], projectIds: [], environmentIds: [] },
    scopes: [],
    ...(traceparent === undefined ? {} : { traceparent }),
  });
  const taskOf = ({ taskid, tenantid }: Asker) => ({ taskId: taskid, tenantId: tenantid });
  const release = (tx: Tx, asker: Asker, id: string) => releaseIn(tx, { deps, caller: callerOf(asker) }, id);

  return {
    'allocation.bind': {
      ...serves['allocation.bind'],
      run: async (tx, asker, { records }: Input<'allocation.bind'>) => ({
        allocationId: (await judged(bound(tx, callerOf(asker), { ...taskOf(asker), records }))).id,
      }),
    },
    'allocation.confirm': {
      ...serves['allocation.confirm'],
      run: async (tx, asker) => {
        const { id } = await heldFor(tx, taskOf(asker));
        const allocationId = encodeId('alc', id);
        await judged(confirmed(tx, callerOf(asker), allocationId));
        return { allocationId };
      },
    },
    'allocation.release': {
      ...serves['allocation.release'],
      // The facade has bound what the task holds before the step was ever sent (task.md 12).
      ahead: true,
      run: async (tx, asker, { allocationId }: Input<'allocation.release'>) => {
        const held = async () => (await heldFor(tx, taskOf(asker))).id;
        await found(async () =>
          release(tx, asker, allocationId === undefined ? await held() : decodeId('alc', allocationId)),
        );
        return {};
      },
      takeBack: async (tx, asker) => {
        // With the allocation ended, nothing more is recorded on it: what was, goes with it.
        const held = await found(async () => release(tx, asker, (await heldFor(tx, taskOf(asker))).id));
        await judged(endRecordsOf(tx, callerOf(asker), decodeId('tsk', asker.taskid)));
        return held;
      },
    },
    'node.retire': {
      ...serves['node.retire'],
      run: async (tx, asker, { nodeIds }: Input<'node.retire'>) => {
        const ids = nodeIds.map((nodeId) => decodeId('nod', nodeId));
        await judged(endRecords(tx, callerOf(asker), ids));
        return {};
      },
    },
    'environment.list-resources': {
      ...serves['environment.list-resources'],
      run: async (tx, asker, { environmentId }: Input<'environment.list-resources'>) => {
        const of = { environmentId: decodeId('env', environmentId), tenantId: decodeId('tnt', asker.tenantid) };
        const rows = await listStanding(tx, of, standingMax + 1);
        const resources = rows.slice(0, standingMax).map((row): Standing => {
          const { id, kind, name, state, allocationId, wanted } = toPlatformResource(row);
          return { id, kind, name, state, allocationId, wanted };
        });
        return { resources, more: rows.length > standingMax };
      },
    },
    'node.set-state': {
      ...serves['node.set-state'],
      run: async (tx, asker, { nodeId: id, ...move }: Input<'node.set-state'>) => {
        await moveRecord(tx, callerOf(asker), { id, ...move });
        return {};
      },
    },
    'node.reset-state': {
      ...serves['node.reset-state'],
      takeBack: async (tx, asker, { nodeId: id, from, to }: Input<'node.reset-state'>) => {
        await moveRecord(tx, callerOf(asker), { id, from: to, to: from });
        return true;
      },
    },
  };
}

/** What is not there is given back already. */
async function found(giveBack: () => Promise<unknown>): Promise<boolean> {
  try {
    await judged(giveBack());
    return true;
  } catch (error) {
    if (isProblem(error, 'not-found')) return false;
    throw error;
  }
}

import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { actions } from '@sentral/contracts/services/registry';
import type { Asker } from '@sentral/contracts/services/serve';
import { unended, type ServedAction } from '@sentral/kernel/bus/operation';
import type { InferOutput } from 'valibot';
import type { Deps } from './deps.js';
import { ended } from './export/remove.js';
import { lockExport } from './export/sql.js';
import { usualBounds, writeOn, type Bounds } from './export/work.js';

const serves = actions.audit;
type Serves = typeof serves;
type Input<A extends keyof Serves> = InferOutput<Serves[A]['input']>;

/** The steps that audit serves for tasks; `moved` hears of each transaction that brought an export on. */
export function auditSteps(
  deps: Deps,
  { moved, bounds = usualBounds }: { moved: () => void; bounds?: Bounds },
): Readonly<Record<keyof Serves, ServedAction>> {
  const callerOf = ({ taskid, tenantid, traceparent }: Asker): Caller => ({
    principal: { id: taskid, type: 'system' },
    accessEpoch: 0,
    readScope: { tenantIds: [tenantid], projectIds: [], environmentIds: [] },
    scopes: [],
    ...(traceparent === undefined ? {} : { traceparent }),
  });
  return {
    'export.write': {
      ...serves['export.write'],
      // A part a transaction, and others have their turn between two: a large one keeps no small one waiting.
      lasting: true,
      run: async (tx, asker, { exportId }: Input<'export.write'>) => {
        const round = await writeOn(tx, { deps, caller: callerOf(asker), bounds }, decodeId('exp', exportId));
        if (round === 'waiting') return unended.later;
        moved();
        return round === 'on' ? unended.later : { exportId, ...round };
      },
    },
    'export.drop': {
      ...serves['export.drop'],
      // The facade has named it before the step was ever sent.
      ahead: true,
      takeBack: async (tx, asker, { exportId }: Input<'export.drop'>) => {
        const row = await lockExport(tx, decodeId('exp', exportId));
        if (row?.state !== 'waiting' && row?.state !== 'ready') return false;
        await ended(tx, callerOf(asker), row, 'cancelled');
        return true;
      },
    },
  };
}

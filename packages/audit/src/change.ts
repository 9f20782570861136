import type { Caller } from '@sentral/contracts/contract';
import * as kernel from '@sentral/kernel/change';
import type { Tx } from '@sentral/kernel/database';
import { record } from '@sentral/kernel/feed';
import type { Deps } from './deps.js';

export const schemaName = 'audit';

/** A verb's change in one transaction: once per key of the caller, judged to the end and undone on a dry run. */
export const inChange = <R extends object>(deps: Deps, caller: Caller, work: (tx: Tx) => Promise<R>): Promise<R> =>
  kernel.inChange(deps.db.app, schemaName, { caller, constraints: {}, work });

interface Place {
  readonly id: string;
  readonly version: number;
  readonly tenantId: string | null;
  readonly projectId: string | null;
  readonly environmentId: string | null;
}

/** Writes the feed row of a change of this context's own, in its transaction: on record, and no public event. */
export async function recordChange(
  tx: Tx,
  caller: Caller,
  change: { what: `${string}.${string}`; row: Place; before: object | null; after: object },
): Promise<void> {
  const { id, version, tenantId, projectId, environmentId } = change.row;
  const scope = {
    ...(tenantId === null ? {} : { tenantId }),
    ...(projectId === null ? {} : { projectId }),
    ...(environmentId === null ? {} : { environmentId }),
  };
  const told = kernel.feedEvent(schemaName, caller, { ...change, id, version, scope });
  await record(tx, schemaName, { ...told, event: null });
}

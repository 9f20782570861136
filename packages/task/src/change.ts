import type { Caller } from '@sentral/contracts/contract';
import * as kernel from '@sentral/kernel/change';
import type { Tx } from '@sentral/kernel/database';
import { byKey } from '@sentral/kernel/transaction';
import { problem, type Problem } from '@sentral/contracts/problem';
import type { Deps } from './deps.js';

export const schemaName = 'task';

/** The last judge of every rule is a constraint; here is what each means to the caller. An unknown name is a bug. */
const constraints: Record<string, (error: unknown) => Problem> = {
  task_pkey: () => problem('already-exists', { field: 'id' }),
  schedule_name_once_a_scope: () => problem('already-exists', { field: 'name' }),
};

/** A verb's change in one transaction: once per key of the caller, judged to the end and undone on a dry run. */
export const inChange = <R extends object>(deps: Deps, caller: Caller, work: (tx: Tx) => Promise<R>): Promise<R> =>
  kernel.inChange(deps.db.app, schemaName, { caller, constraints, work, settings: byKey });

/** Whoever acts when nobody asks. */
export const system: Caller = {
  principal: { id: 'task', type: 'system' },
  accessEpoch: 0,
  readScope: { all: true },
  scopes: [],
};

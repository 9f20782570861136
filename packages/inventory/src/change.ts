import type { Caller } from '@sentral/contracts/contract';
import * as kernel from '@sentral/kernel/change';
import type { Tx } from '@sentral/kernel/database';
import { constraints } from './constraints.js';
import type { Deps } from './deps.js';

export const schemaName = 'inventory';

/** What this context does by itself, such as ending what has run out: it is nobody's doing, whoever comes by. */
export const itself: Caller = {
  principal: { id: 'inventory', type: 'system' },
  accessEpoch: 0,
  readScope: { all: true },
  scopes: [],
};

/** A verb's change in one transaction: once per key of the caller, judged to the end and undone on a dry run. */
export const inChange = <R extends object>(deps: Deps, caller: Caller, work: (tx: Tx) => Promise<R>): Promise<R> =>
  kernel.inChange(deps.db.app, schemaName, { caller, constraints, work });

/** Turns what the database said into the refusal that the constraint's name stands for. */
export const judged = <R>(outcome: Promise<R>): Promise<R> => kernel.judged(outcome, constraints);

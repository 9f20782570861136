import type { Caller } from '@sentral/contracts/contract';
import * as kernel from '@sentral/kernel/change';
import type { Tx } from '@sentral/kernel/database';
import { constraints } from './constraints.js';

export { asked } from '@sentral/kernel/change';

export const schemaName = 'inventory';

/** Does the work once per key of the caller; a repeated key gets the stored answer, marked. A dry run has no key. */
export const once = <R extends object>(tx: Tx, caller: Caller, work: () => Promise<R>): Promise<R> =>
  kernel.once(tx, schemaName, { caller, work });

/** Turns what the database said into the refusal that the constraint's name stands for. */
export const judged = <R>(outcome: Promise<R>): Promise<R> => kernel.judged(outcome, constraints);

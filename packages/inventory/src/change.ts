import type { Caller } from '@sentral/contracts/contract';
import type { Tx } from '@sentral/kernel/database';
import { toProblem } from '@sentral/kernel/errors';
import { idempotent } from '@sentral/kernel/idempotency';
import { constraints } from './constraints.js';

export const schemaName = 'inventory';

/** What `inTransaction` is told for this caller: a dry run is judged to the end and undone. */
export const asked = (caller: Caller): { rollback: boolean } => ({ rollback: caller.dryRun === true });

/** Does the work once per key of the caller, and answers a repeated key with what was answered then. A dry run has no key. */
export async function once<R>(tx: Tx, caller: Caller, work: () => Promise<R>): Promise<R> {
  if (caller.idempotency === undefined || caller.dryRun === true) return work();
  const { result } = await idempotent(tx, schemaName, caller.idempotency, work);
  return result;
}

/** Turns what the database said into the refusal that the constraint's name stands for; anything else is thrown on as it is. */
export async function judged<R>(outcome: Promise<R>): Promise<R> {
  try {
    return await outcome;
  } catch (error) {
    throw toProblem(error, constraints) ?? error;
  }
}

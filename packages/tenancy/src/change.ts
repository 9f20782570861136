import type { Sealed } from '@sentral/contracts/audit-seal';
import type { Caller } from '@sentral/contracts/contract';
import type { TenancyEventName } from '@sentral/contracts/tenancy-events';
import * as kernel from '@sentral/kernel/change';
import type { Tx } from '@sentral/kernel/database';
import { record } from '@sentral/kernel/feed';
import { constraints } from './constraints.js';
import type { Deps } from './deps.js';

/** One change of one resource, as it goes to the feed: nothing that the contract does not list can be recorded. */
export interface Change extends kernel.Change {
  readonly what: TenancyEventName;
  /** What before and after say of a person. */
  readonly personal?: Sealed;
}

const schemaName = 'tenancy';

/** A verb's change in one transaction: once per key of the caller, judged to the end and undone on a dry run. */
export const inChange = <R extends object>(deps: Deps, caller: Caller, work: (tx: Tx) => Promise<R>): Promise<R> =>
  kernel.inChange(deps.db.app, schemaName, { caller, constraints, work });

/** Turns what the database said into the refusal that the constraint's name stands for. */
export const judged = <R>(outcome: Promise<R>): Promise<R> => kernel.judged(outcome, constraints);

/**
 * Holds a change to the version that it was based on, under the row's lock.
 * @throws Problem version-mismatch
 */
export const expectVersion = (tx: Tx, current: kernel.Versioned, provided: number | undefined): Promise<void> =>
  kernel.expectVersion(tx, schemaName, { current, provided });

/** Writes the feed rows of changes, in their transaction; the first is what the caller asked for. */
export const recordChanges = (tx: Tx, caller: Caller, changes: readonly Change[]): Promise<void> =>
  record(
    tx,
    schemaName,
    changes.map(({ personal, ...change }) => {
      const fact = kernel.feedEvent(schemaName, caller, change);
      return personal === undefined ? fact : { ...fact, audit: { ...fact.audit, personal } };
    }),
  );

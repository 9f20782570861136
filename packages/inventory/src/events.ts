import type { Caller } from '@sentral/contracts/contract';
import type { InventoryEventName } from '@sentral/contracts/inventory-events';
import * as kernel from '@sentral/kernel/change';
import type { Tx } from '@sentral/kernel/database';
import { schemaName } from './change.js';

/** One change of one resource, as it goes to the feed: nothing that the contract does not list can be recorded. */
export interface Change extends kernel.Change {
  readonly what: InventoryEventName;
}

/** Writes the feed rows of changes, in their transaction. */
export const recordChanges = (tx: Tx, caller: Caller, changes: readonly Change[]): Promise<void> =>
  kernel.recordChanges(tx, schemaName, { caller, changes });

/** The feed row of one change; the import writes many of them at once. */
export const feedEvent = (caller: Caller, change: Change) => kernel.feedEvent(schemaName, caller, change);

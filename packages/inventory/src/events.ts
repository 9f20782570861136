import type { Caller } from '@sentral/contracts/contract';
import * as kernel from '@sentral/kernel/change';
import type { Tx } from '@sentral/kernel/database';
import { schemaName } from './change.js';

export type { Change } from '@sentral/kernel/change';

/** Writes the feed rows of changes, in their transaction. */
export const recordChanges = (tx: Tx, caller: Caller, changes: readonly kernel.Change[]): Promise<void> =>
  kernel.recordChanges(tx, schemaName, { caller, changes });

/** The feed row of one change; the import writes many of them at once. */
export const feedEvent = (caller: Caller, change: kernel.Change) => kernel.feedEvent(schemaName, caller, change);

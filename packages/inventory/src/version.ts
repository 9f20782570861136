import * as kernel from '@sentral/kernel/change';
import type { Tx } from '@sentral/kernel/database';
import { schemaName } from './change.js';

/**
 * Holds a change to the version that it was based on; asked under the row's lock, so nothing passes in between.
 * @throws Problem version-mismatch
 */
export const expectVersion = (tx: Tx, current: kernel.Versioned, provided: number | undefined): Promise<void> =>
  kernel.expectVersion(tx, schemaName, { current, provided });

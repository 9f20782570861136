import * as kernel from '@sentral/kernel/change';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { schemaName } from './change.js';

/**
 * Holds a change to the version that it was based on; asked under the row's lock, so nothing passes in between.
 * @throws Problem version-mismatch
 */
export const expectVersion = (tx: Tx, current: kernel.Versioned, provided: number | undefined): Promise<void> =>
  kernel.expectVersion(tx, schemaName, { current, provided });

/**
 * The same for what is named by its key.
 * @throws Problem version-mismatch
 */
export function expectKeyedVersion(
  current: { readonly key: string; readonly version: number },
  provided: number | undefined,
): void {
  if (provided === undefined || provided === current.version) return;
  const facts = { resourceId: current.key, currentVersion: current.version, providedVersion: provided };
  throw problem('version-mismatch', facts, 'Read it again, then decide.');
}

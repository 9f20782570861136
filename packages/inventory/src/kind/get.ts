import type { Caller } from '@sentral/contracts/contract';
import type { Kind } from '@sentral/contracts/inventory/kind';
import { problem } from '@sentral/contracts/problem';
import type { Deps } from '../deps.js';
import { readDb } from '../reading.js';
import { findKind, toKind } from './sql.js';

/**
 * One kind by its key.
 * @throws Problem not-found
 */
export async function getKind(deps: Deps, caller: Caller, command: { key: string }): Promise<Kind> {
  const row = await findKind(readDb(deps, caller), command.key);
  if (row === undefined) throw problem('not-found', { resourceType: 'kind' });
  return toKind(row);
}

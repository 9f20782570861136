import type { Caller } from '@sentral/contracts/contract';
import type { ResourceClass } from '@sentral/contracts/inventory/resource-class';
import { problem } from '@sentral/contracts/problem';
import type { Deps } from '../deps.js';
import { readDb } from '../reading.js';
import { findClass, toClass } from './sql.js';

/**
 * One class by its key.
 * @throws Problem not-found
 */
export async function getClass(deps: Deps, caller: Caller, command: { key: string }): Promise<ResourceClass> {
  const row = await findClass(readDb(deps, caller), command.key);
  if (row === undefined) throw problem('not-found', { resourceType: 'resourceClass' });
  return toClass(row);
}

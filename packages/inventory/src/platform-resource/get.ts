import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { PlatformResource } from '@sentral/contracts/inventory/platform-resource';
import { problem } from '@sentral/contracts/problem';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { readingAs, seesAllocation } from '../reading.js';
import { toPlatformResource } from './row.js';
import { findPlatformResource } from './sql.js';

/**
 * One living resource of the platform, seen like what it stands on.
 * @throws Problem not-found
 */
export async function getPlatformResource(
  deps: Deps,
  caller: Caller,
  command: Command<'platformResource', 'get'>,
): Promise<PlatformResource> {
  const row = await readingAs(deps, caller, (on) => findPlatformResource(on, decodeId('nod', command.id)));
  if (row === undefined || !seesAllocation(caller, row))
    throw problem('not-found', { resourceType: 'platformResource' });
  return toPlatformResource(row);
}

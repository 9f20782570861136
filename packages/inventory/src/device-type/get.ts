import type { Caller } from '@sentral/contracts/contract';
import type { DeviceType } from '@sentral/contracts/inventory/device-type';
import { problem } from '@sentral/contracts/problem';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { readDb } from '../reading.js';
import { findDeviceType, toDeviceType } from './sql.js';

/**
 * One hardware profile by manufacturer and slug.
 * @throws Problem not-found
 */
export async function getDeviceType(
  deps: Deps,
  caller: Caller,
  command: Command<'deviceType', 'get'>,
): Promise<DeviceType> {
  const row = await findDeviceType(readDb(deps, caller), command);
  if (row === undefined) throw problem('not-found', { resourceType: 'deviceType' });
  return toDeviceType(row);
}

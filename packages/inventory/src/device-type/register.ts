import type { Caller } from '@sentral/contracts/contract';
import type { DeviceType } from '@sentral/contracts/inventory/device-type';
import type { Tx } from '@sentral/kernel/database';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { insertExternalIds } from '../external-id/sql.js';
import { findDeviceType, insertDeviceType, toDeviceType } from './sql.js';

type Asked = Command<'deviceType', 'register'>;

/**
 * Registers a hardware profile.
 * @throws Problem already-exists
 */
export async function registerDeviceType(deps: Deps, caller: Caller, command: Asked): Promise<DeviceType> {
  const id = deps.newId();
  return inChange(deps, caller, (tx) => registered({ tx, caller, id }, command));
}

async function registered(
  { tx, caller, id }: { tx: Tx; caller: Caller; id: string },
  command: Asked,
): Promise<DeviceType> {
  await insertDeviceType(tx, { ...command, id });
  await insertExternalIds(tx, { type: 'deviceType', id }, command.externalIds);
  const row = await findDeviceType(tx, command);
  if (row === undefined) throw new Error('a device type that was inserted is not there');
  const after = toDeviceType(row);
  await recordChanges(tx, caller, [{ what: 'deviceType.registered', id, version: row.version, after }]);
  return after;
}

// One row a verb; manufacturer and slug are judged by device_type_slug_once_per_manufacturer.
import type { DeviceType } from '@sentral/contracts/inventory/device-type';
import { json, type Database, type Tx } from '@sentral/kernel/database';
import { externalIdsOf } from '../external-id/sql.js';

export interface DeviceTypeRow extends Omit<DeviceType, 'type' | 'createdAt' | 'updatedAt'> {
  readonly id: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export const selectDeviceType = `select t.id, t.manufacturer, t.model, t.slug, t.height_half_units as "heightHalfUnits", t.full_depth as "fullDepth",
  t.attributes, t.components, ${externalIdsOf('t.id')}, t.version, t.created_at as "createdAt", t.updated_at as "updatedAt" from device_type t`;

export async function findDeviceType(
  db: Database | Tx,
  key: { manufacturer: string; slug: string },
): Promise<DeviceTypeRow | undefined> {
  const [row] = await db.unsafe(
    `${selectDeviceType} where t.manufacturer = $1 and t.slug = $2 and t.ended_at is null`,
    [key.manufacturer, key.slug],
  );
  return row as DeviceTypeRow | undefined;
}

export interface NewDeviceType {
  readonly id: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly slug: string;
  readonly heightHalfUnits: number;
  readonly fullDepth: boolean;
  readonly attributes: unknown;
  readonly components: unknown;
}

export async function insertDeviceType(tx: Tx, type: NewDeviceType): Promise<void> {
  await tx.sql`
    insert into device_type (id, manufacturer, model, slug, height_half_units, full_depth, attributes, components)
    values (${type.id}, ${type.manufacturer}, ${type.model}, ${type.slug}, ${type.heightHalfUnits}, ${type.fullDepth}, ${json(type.attributes)},
      ${json(type.components)})`;
}

export function toDeviceType({ id: _id, createdAt, updatedAt, ...row }: DeviceTypeRow): DeviceType {
  return { type: 'deviceType', ...row, createdAt: createdAt.toISOString(), updatedAt: updatedAt.toISOString() };
}

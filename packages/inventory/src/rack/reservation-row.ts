import { encodeId } from '@sentral/contracts/ids';
import type { RackReservation } from '@sentral/contracts/inventory/rack-reservation';
import { externalIdsOf } from '../external-id/sql.js';

export interface RackReservationRow {
  readonly id: string;
  readonly rackId: string;
  readonly units: number[];
  readonly attributes: Record<string, unknown>;
  readonly externalIds: { source: string; externalId: string }[];
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly endedAt: Date | null;
}

export const selectRackReservation = `select v.id, v.rack_id as "rackId", v.units, v.attributes, ${externalIdsOf('v.id')}, v.version,
  v.created_at as "createdAt", v.updated_at as "updatedAt", v.ended_at as "endedAt" from rack_reservation v`;

export function toRackReservation(row: RackReservationRow): RackReservation {
  return {
    type: 'rackReservation',
    version: row.version,
    rackId: encodeId('nod', row.rackId),
    units: row.units,
    attributes: row.attributes,
    externalIds: row.externalIds,
    state: row.endedAt === null ? 'live' : 'ended',
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    ...(row.endedAt === null ? {} : { endedAt: row.endedAt.toISOString() }),
  };
}

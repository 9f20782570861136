import { encodeId } from '@sentral/contracts/ids';
import type { AddressRange } from '@sentral/contracts/inventory/address-range';
import { externalIdsOf } from '../external-id/sql.js';

export interface AddressRangeRow {
  readonly id: string;
  readonly spaceId: string;
  readonly start: string;
  readonly end: string;
  readonly attributes: Record<string, unknown>;
  readonly externalIds: { source: string; externalId: string }[];
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly endedAt: Date | null;
}

export const selectAddressRange = `select r.id, r.space_id as "spaceId", host(r.first_host) as start, host(r.last_host) as "end", r.attributes,
  ${externalIdsOf('r.id')}, r.version, r.created_at as "createdAt", r.updated_at as "updatedAt", r.ended_at as "endedAt" from address_range r`;

export function toAddressRange(row: AddressRangeRow): AddressRange {
  return {
    type: 'addressRange',
    version: row.version,
    spaceId: encodeId('spc', row.spaceId),
    start: row.start,
    end: row.end,
    attributes: row.attributes,
    externalIds: row.externalIds,
    state: row.endedAt === null ? 'live' : 'ended',
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    ...(row.endedAt === null ? {} : { endedAt: row.endedAt.toISOString() }),
  };
}

import { encodeId } from '@sentral/contracts/ids';
import type { Result } from '../command.js';
import type { LogRow } from './sql.js';

export function toLog(row: LogRow): Result<'log', 'get'> {
  const { kind, origin, size, floor } = row;
  return {
    id: encodeId('log', row.id),
    kind,
    ...(row.tenantId === null ? {} : { tenantId: encodeId('tnt', row.tenantId) }),
    origin,
    size,
    floor,
  };
}

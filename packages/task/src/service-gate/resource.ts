import type { ServiceGate } from '@sentral/contracts/task/service-gate';
import type { GateRow } from './sql.js';

export const toGate = ({ service, paused, note, changedAt, changedBy }: GateRow): ServiceGate => ({
  service,
  type: 'serviceGate',
  paused,
  ...(note === null ? {} : { note }),
  changedAt: changedAt.toISOString(),
  ...(changedBy === null ? {} : { changedBy }),
});

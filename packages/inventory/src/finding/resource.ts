import { encodeId } from '@sentral/contracts/ids';
import type { Difference, Finding } from '@sentral/contracts/inventory/finding';

/** A finding as the statements read it. */
export interface FindingRow {
  readonly id: string;
  readonly kind: Finding['kind'];
  readonly state: Finding['state'];
  readonly source: string;
  readonly resource: string;
  readonly nodeId: string | null;
  readonly tenantId: string | null;
  readonly allocationId: string | null;
  readonly taskId: string | null;
  readonly stepId: string | null;
  readonly generation: number;
  readonly differences: Difference[];
  readonly sightings: number;
  readonly firstSeenAt: Date;
  readonly lastSeenAt: Date;
  readonly note: string | null;
  readonly decidedBy: Finding['decidedBy'] | null;
  readonly resolution: Finding['resolution'] | null;
  readonly resolvedAt: Date | null;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export const selectFinding = `select f.id, f.kind, f.state, f.source, f.resource, f.node_id as "nodeId", f.tenant_id as "tenantId",
  f.allocation_id as "allocationId", f.task_id as "taskId", f.step_id as "stepId", f.generation, f.differences, s.sightings,
  f.first_seen_at as "firstSeenAt", s.last_seen_at as "lastSeenAt", f.note, f.decided_by as "decidedBy", f.resolution,
  f.resolved_at as "resolvedAt", f.version, f.created_at as "createdAt", f.updated_at as "updatedAt"
  from finding f join finding_sighting s on s.finding_id = f.id`;

export function toFinding(row: FindingRow): Finding {
  return {
    id: encodeId('fnd', row.id),
    type: 'finding',
    version: row.version,
    kind: row.kind,
    state: row.state,
    source: row.source,
    resource: row.resource,
    ...(row.nodeId === null ? {} : { nodeId: encodeId('nod', row.nodeId) }),
    ...(row.tenantId === null ? {} : { tenantId: encodeId('tnt', row.tenantId) }),
    ...(row.allocationId === null ? {} : { allocationId: encodeId('alc', row.allocationId) }),
    ...(row.taskId === null ? {} : { taskId: encodeId('tsk', row.taskId) }),
    ...(row.stepId === null ? {} : { stepId: encodeId('stp', row.stepId) }),
    generation: row.generation,
    differences: row.differences,
    sightings: row.sightings,
    firstSeenAt: row.firstSeenAt.toISOString(),
    lastSeenAt: row.lastSeenAt.toISOString(),
    ...(row.note === null ? {} : { note: row.note }),
    ...(row.decidedBy === null ? {} : { decidedBy: row.decidedBy }),
    ...(row.resolution === null ? {} : { resolution: row.resolution }),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    ...(row.resolvedAt === null ? {} : { resolvedAt: row.resolvedAt.toISOString() }),
  };
}

/** Whom a change of a finding is told to. */
export const scopeOf = ({ tenantId }: Pick<FindingRow, 'tenantId'>) =>
  tenantId === null ? {} : { scope: { tenantId } };

import type { AuditExport } from '@sentral/contracts/audit/export';
import { encodeId } from '@sentral/contracts/ids';
import type { ExportRow } from './sql.js';

export function toExport(row: ExportRow): Omit<AuditExport, 'replayed'> {
  const { id, tenantId, projectId, environmentId, createdAt, updatedAt, expiresAt, ...same } = row;
  const tenant = encodeId('tnt', tenantId);
  const within = projectId === null ? tenant : encodeId('prj', projectId);
  return {
    ...same,
    id: encodeId('exp', id),
    type: 'auditExport',
    scopeId: environmentId === null ? within : encodeId('env', environmentId),
    tenantId: tenant,
    taskId: encodeId('tsk', id),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
  };
}

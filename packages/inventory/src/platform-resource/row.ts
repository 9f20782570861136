import { encodeId } from '@sentral/contracts/ids';
import type { PlatformResource } from '@sentral/contracts/inventory/platform-resource';
import { toNode } from '../node/row.js';
import type { PlatformResourceRow } from './sql.js';

/** A record as the contract shows it: its place instead of a place in the graph. */
export function toPlatformResource(row: PlatformResourceRow): PlatformResource {
  const { id, version, labels, createdAt, updatedAt } = toNode(row);
  const { wanted, status } = row.attributes as Pick<PlatformResource, 'wanted' | 'status'>;
  return {
    id,
    type: 'platformResource',
    version,
    kind: row.kind as PlatformResource['kind'],
    tenantId: encodeId('tnt', row.tenantId),
    ...(row.projectId === null ? {} : { projectId: encodeId('prj', row.projectId) }),
    environmentId: encodeId('env', row.scopeId),
    name: row.name ?? '',
    labels,
    state: row.state as PlatformResource['state'],
    wanted,
    ...(status === undefined ? {} : { status }),
    taskId: encodeId('tsk', row.taskId),
    allocationId: encodeId('alc', row.allocationId),
    createdAt,
    updatedAt,
  };
}

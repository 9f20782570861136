import { encodeId } from '@sentral/contracts/ids';
import type { MayStill, Workflow } from '@sentral/task';
import { facade } from '../auth/sessions.js';
import type { Contexts } from '../routes/world.js';

/**
 * Whether who has begun a task still holds the permission of its workflow where the task lies: asked before what may be
 * destructive is sent. Loops of the house hold no grants; a workflow that is known no longer has nobody's word.
 */
export function createMayStill(contexts: Pick<Contexts, 'tenancy'>, workflows: readonly Workflow[]): MayStill {
  return async ({ type, id, groups }, { kind, tenantId, projectId, environmentId }) => {
    if (type === 'system') return true;
    const permission = workflows.find((each) => each.kind === kind)?.permission;
    if (permission === undefined) return false;
    const scopeId =
      environmentId !== null
        ? encodeId('env', environmentId)
        : projectId !== null
          ? encodeId('prj', projectId)
          : encodeId('tnt', tenantId);
    const { allowed } = await contexts.tenancy.access.explain(facade, {
      principalId: id,
      permission,
      scopeId,
      groups: groups?.slice(0, 64) ?? [],
    });
    return allowed;
  };
}

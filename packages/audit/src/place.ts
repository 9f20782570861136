import { platformScopeId, type Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';

/**
 * A scope and those around it, out of the path that the caller brings.
 * @throws Problem not-found when it is not on it
 */
export function placeOf(caller: Caller, scopeId: string) {
  const at = caller.scopes.findIndex(({ id }) => id === scopeId);
  if (at < 0 && scopeId !== platformScopeId) throw problem('not-found', { resourceType: 'scope' });
  const path = caller.scopes.slice(0, at + 1);
  const idOf = (kind: 'tenant' | 'project' | 'environment', prefix: 'tnt' | 'prj' | 'env') => {
    const scope = path.findLast((each) => each.kind === kind);
    return scope === undefined ? null : decodeId(prefix, scope.id);
  };
  return {
    tenantId: idOf('tenant', 'tnt'),
    projectId: idOf('project', 'prj'),
    environmentId: idOf('environment', 'env'),
  };
}

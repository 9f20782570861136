import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Deps } from '../deps.js';
import { scopeUuid } from '@sentral/kernel/scopes/view';

/**
 * A scope that the caller may not read does not exist for it. One that this context has not heard of yet holds nothing:
 * that is no refusal for who may see everything in it.
 * @throws Problem not-found
 */
export async function expectVisible(deps: Deps, caller: Caller, scopeId: string): Promise<void> {
  const { readScope } = caller;
  if ('all' in readScope) return;
  const named = [...readScope.tenantIds, ...readScope.projectIds, ...readScope.environmentIds] as readonly string[];
  if (named.includes(scopeId) || (scopeId === 'platform' && readScope.platform === true)) return;
  const [row] = await deps.db.platform.unsafe(
    'select s.tenant_id as "tenantId", s.parent_id as "parentId" from scope_view s where s.id = $1::uuid',
    [scopeUuid(scopeId)],
  );
  const { tenantId, parentId } = (row ?? {}) as { tenantId?: string | null; parentId?: string | null };
  const inTenant = tenantId != null && named.includes(encodeId('tnt', tenantId));
  const inProject = scopeId.startsWith('env_') && parentId != null && named.includes(encodeId('prj', parentId));
  if (inTenant || inProject) return;
  throw problem('not-found', { resourceType: kinds[scopeId.slice(0, 4)] ?? 'scope' });
}

const kinds: Readonly<Record<string, string>> = { tnt_: 'tenant', prj_: 'project', env_: 'environment' };

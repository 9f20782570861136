import type { ScopeRef } from '@sentral/contracts/access';
import { platformScopeId, type Implements, type ScopeRow } from '@sentral/contracts/contract';
import type { Id } from '@sentral/contracts/ids';
import type { tenancy } from '@sentral/contracts/tenancy';
import { facade } from './sessions.js';
import { sharedBy } from './shared.js';

type Tenancy = Pick<Implements<typeof tenancy>, 'scope'>;

/** The id of a scope of any kind, as the boundary has checked it. */
export type ScopeId = 'platform' | Id<'tnt'> | Id<'prj'> | Id<'env'>;

export interface Lineage {
  /** The scope and what it lies in, the platform first: kinds and parents never change, so this may be remembered. */
  of(id: ScopeId): Promise<readonly ScopeRef[]>;
  /** The same as tenancy has it now, with states, limits, policies and holds: what a change takes along. */
  rows(id: ScopeId): Promise<readonly ScopeRow[]>;
}

export const platform: ScopeRef = { id: platformScopeId, kind: 'platform', parentId: null, tenantId: null };
const rememberedMax = 50_000;

/** Where scopes lie. @throws Problem not-found for one that never was, or was purged */
export function createLineage(tenancy: Tenancy): Lineage {
  const known = new Map<string, readonly ScopeRef[]>();
  const rows = sharedBy(async (id: ScopeId): Promise<readonly ScopeRow[]> => {
    const { rows: path } = await tenancy.scope.path(facade, { id });
    if (known.size >= rememberedMax) known.clear();
    known.set(
      id,
      path.map(({ id, kind, parentId, tenantId }) => ({ id, kind, parentId, tenantId })),
    );
    return path;
  });
  return {
    rows,
    of: async (id) => (id === platformScopeId ? [platform] : (known.get(id) ?? rows(id))),
  };
}

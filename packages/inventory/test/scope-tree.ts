import type { ScopeRow } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { newId } from '@sentral/kernel/id';

/** A tenant and what lies in it, as tenancy would tell of them. */
export interface Tree {
  readonly tenant: ScopeRow;
  readonly projects: readonly ScopeRow[];
  readonly environments: readonly ScopeRow[];
}

const platform: ScopeRow = {
  id: 'platform',
  parentId: null,
  kind: 'platform',
  tenantId: null,
  state: 'active',
  version: 1,
};

/** A tenant with projects, each with environments, as tenancy would tell of them. */
export function tree(projects: number, environments: number): Tree {
  const id = <P extends 'tnt' | 'prj' | 'env'>(prefix: P) => encodeId(prefix, newId());
  const tenantId = id('tnt');
  const row = (kind: ScopeRow['kind'], own: ScopeRow['id'], parentId: ScopeRow['id']): ScopeRow => ({
    id: own,
    parentId,
    kind,
    tenantId,
    state: 'active',
    version: 1,
  });
  const made = Array.from({ length: projects }, () => row('project', id('prj'), tenantId));
  return {
    tenant: row('tenant', tenantId, 'platform'),
    projects: made,
    environments: made.flatMap(({ id: parent }) =>
      Array.from({ length: environments }, () => row('environment', id('env'), parent)),
    ),
  };
}

export const pathTo = (of: Tree, environment: ScopeRow): ScopeRow[] => [
  platform,
  of.tenant,
  of.projects.find(({ id }) => id === environment.parentId) as ScopeRow,
  environment,
];

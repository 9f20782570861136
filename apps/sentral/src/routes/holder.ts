import type { Asked } from '../http/mount.js';

/** Where an allocation lies. */
export interface Held {
  readonly tenantId?: string | undefined;
  readonly projectId?: string | undefined;
  readonly environmentId?: string | undefined;
}

/** Whether the caller may read this allocation, where it was found by a right to something else. */
export function seesHolder({ access }: Pick<Asked, 'access'>, held: Held | undefined): boolean {
  const scope = access.readScope('inventory.allocation.read');
  if ('all' in scope) return true;
  const { tenantIds, projectIds, environmentIds } = scope;
  return (
    tenantIds.some((id) => id === held?.tenantId) ||
    projectIds.some((id) => id === held?.projectId) ||
    environmentIds.some((id) => id === held?.environmentId)
  );
}

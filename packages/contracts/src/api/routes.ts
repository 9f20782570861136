import { eventRoutes } from './audit/events.js';
import { auditRoutes } from './audit/records.js';
import { allocationRoutes } from './inventory/allocations.js';
import { capacityRoutes } from './inventory/capacities.js';
import { graphRoutes } from './inventory/graph.js';
import { importRoutes } from './inventory/imports.js';
import { placementRoutes } from './inventory/placements.js';
import { poolRoutes } from './inventory/pools.js';
import { registryRoutes } from './inventory/registries.js';
import { refusalRoutes } from './inventory/refusals.js';
import { overviewRoutes } from './overview.js';
import { systemRoutes } from './system.js';
import { serviceGateRoutes, taskRoutes } from './task/tasks.js';
import { troubleRoutes } from './task/trouble.js';
import { accessRoutes } from './tenancy/access.js';
import { principalRoutes } from './tenancy/principals.js';
import { policyRoutes } from './tenancy/policy.js';
import { quotaRoutes } from './tenancy/quotas.js';
import { scopeRoutes } from './tenancy/scopes.js';

/** Everything that Sentral offers the world, as data. The type is spelled by reference: written out it is too long for a declaration. */
export const routes: typeof systemRoutes &
  typeof scopeRoutes &
  typeof accessRoutes &
  typeof principalRoutes &
  typeof policyRoutes &
  typeof quotaRoutes &
  typeof overviewRoutes &
  typeof graphRoutes &
  typeof registryRoutes &
  typeof capacityRoutes &
  typeof poolRoutes &
  typeof placementRoutes &
  typeof allocationRoutes &
  typeof refusalRoutes &
  typeof importRoutes &
  typeof auditRoutes &
  typeof eventRoutes &
  typeof taskRoutes &
  typeof serviceGateRoutes &
  typeof troubleRoutes = {
  ...systemRoutes,
  ...scopeRoutes,
  ...accessRoutes,
  ...principalRoutes,
  ...policyRoutes,
  ...quotaRoutes,
  ...overviewRoutes,
  ...graphRoutes,
  ...registryRoutes,
  ...capacityRoutes,
  ...poolRoutes,
  ...placementRoutes,
  ...allocationRoutes,
  ...refusalRoutes,
  ...importRoutes,
  ...taskRoutes,
  ...serviceGateRoutes,
  ...troubleRoutes,
  ...auditRoutes,
  ...eventRoutes,
};

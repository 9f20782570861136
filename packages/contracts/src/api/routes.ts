import { eventRoutes } from './audit/events.js';
import { auditExportRoutes } from './audit/exports.js';
import { legalHoldRoutes } from './audit/legal-holds.js';
import { auditRoutes } from './audit/records.js';
import { allocationRoutes } from './inventory/allocations.js';
import { blastRadiusRoutes } from './inventory/blast-radius.js';
import { capacityRoutes } from './inventory/capacities.js';
import { findingRoutes } from './inventory/findings.js';
import { graphRoutes } from './inventory/graph.js';
import { importRoutes } from './inventory/imports.js';
import { placementRoutes } from './inventory/placements.js';
import { poolRoutes } from './inventory/pools.js';
import { registryRoutes } from './inventory/registries.js';
import { refusalRoutes } from './inventory/refusals.js';
import { overviewRoutes } from './overview.js';
import { bucketRoutes } from './platform/buckets.js';
import { clusterRoutes } from './platform/clusters.js';
import { machineRoutes } from './platform/machines.js';
import { networkRoutes } from './platform/networks.js';
import { systemRoutes } from './system.js';
import { serviceGateRoutes, taskRoutes } from './task/tasks.js';
import { scheduleRoutes } from './task/schedules.js';
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
  typeof blastRadiusRoutes &
  typeof registryRoutes &
  typeof capacityRoutes &
  typeof poolRoutes &
  typeof placementRoutes &
  typeof allocationRoutes &
  typeof refusalRoutes &
  typeof importRoutes &
  typeof findingRoutes &
  typeof auditRoutes &
  typeof eventRoutes &
  typeof legalHoldRoutes &
  typeof auditExportRoutes &
  typeof taskRoutes &
  typeof scheduleRoutes &
  typeof serviceGateRoutes &
  typeof bucketRoutes &
  typeof networkRoutes &
  typeof troubleRoutes &
  typeof machineRoutes &
  typeof clusterRoutes = {
  ...systemRoutes,
  ...scopeRoutes,
  ...accessRoutes,
  ...principalRoutes,
  ...policyRoutes,
  ...quotaRoutes,
  ...overviewRoutes,
  ...graphRoutes,
  ...blastRadiusRoutes,
  ...registryRoutes,
  ...capacityRoutes,
  ...poolRoutes,
  ...placementRoutes,
  ...allocationRoutes,
  ...refusalRoutes,
  ...importRoutes,
  ...findingRoutes,
  ...taskRoutes,
  ...scheduleRoutes,
  ...serviceGateRoutes,
  ...troubleRoutes,
  ...bucketRoutes,
  ...networkRoutes,
  ...machineRoutes,
  ...clusterRoutes,
  ...auditRoutes,
  ...eventRoutes,
  ...legalHoldRoutes,
  ...auditExportRoutes,
};

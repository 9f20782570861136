import { allocationRoutes } from './inventory/allocations.js';
import { graphRoutes } from './inventory/graph.js';
import { importRoutes } from './inventory/imports.js';
import { poolRoutes } from './inventory/pools.js';
import { overviewRoutes } from './overview.js';
import { systemRoutes } from './system.js';
import { accessRoutes, principalRoutes } from './tenancy/access.js';
import { scopeRoutes } from './tenancy/scopes.js';

/** Everything that Sentral offers the world, as data. */
export const routes = {
  ...systemRoutes,
  ...scopeRoutes,
  ...accessRoutes,
  ...principalRoutes,
  ...overviewRoutes,
  ...graphRoutes,
  ...poolRoutes,
  ...allocationRoutes,
  ...importRoutes,
} as const;

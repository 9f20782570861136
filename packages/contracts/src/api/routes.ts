import { allocationRoutes } from './inventory/allocations.js';
import { graphRoutes } from './inventory/graph.js';
import { importRoutes } from './inventory/imports.js';
import { poolRoutes } from './inventory/pools.js';
import { systemRoutes } from './system.js';

/** Everything that Sentral offers the world, as data. */
export const routes = { ...systemRoutes, ...graphRoutes, ...poolRoutes, ...allocationRoutes, ...importRoutes } as const;

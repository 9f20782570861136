import { graphRoutes } from '@sentral/contracts/api/inventory/graph';
import { allocationRoutes } from '@sentral/contracts/api/inventory/allocations';
import { importRoutes } from '@sentral/contracts/api/inventory/imports';
import { poolRoutes } from '@sentral/contracts/api/inventory/pools';
import { systemRoutes } from '@sentral/contracts/api/system';
import type { Hono } from 'hono';
import { mountDocs } from './http/docs.js';
import { documents } from './http/documents.js';
import { mount, type Door } from './http/mount.js';
import type { Readiness } from './readiness.js';
import { allocationHandlers } from './routes/allocations.js';
import { graphHandlers } from './routes/graph.js';
import { importHandlers } from './routes/imports.js';
import { poolHandlers } from './routes/pools.js';
import { systemHandlers } from './routes/system.js';
import type { World } from './routes/world.js';

/** The public model of Sentral: every route behind the door, in one place. */
export function mountFacade(app: Hono, use: { world: World; door: Door; readiness: () => Promise<Readiness> }): void {
  const { world, door } = use;
  mount(app, systemRoutes, { handlers: systemHandlers({ readiness: use.readiness, documents: documents() }), door });
  mount(app, graphRoutes, { handlers: graphHandlers(world), door });
  mount(app, poolRoutes, { handlers: poolHandlers(world), door });
  mount(app, allocationRoutes, { handlers: allocationHandlers(world), door });
  mount(app, importRoutes, { handlers: importHandlers(world), door });
  mountDocs(app);
}

import { graphRoutes } from '@sentral/contracts/api/inventory/graph';
import { allocationRoutes } from '@sentral/contracts/api/inventory/allocations';
import { capacityRoutes } from '@sentral/contracts/api/inventory/capacities';
import { importRoutes } from '@sentral/contracts/api/inventory/imports';
import { poolRoutes } from '@sentral/contracts/api/inventory/pools';
import { overviewRoutes } from '@sentral/contracts/api/overview';
import { systemRoutes } from '@sentral/contracts/api/system';
import { accessRoutes } from '@sentral/contracts/api/tenancy/access';
import { principalRoutes } from '@sentral/contracts/api/tenancy/principals';
import { policyRoutes } from '@sentral/contracts/api/tenancy/policy';
import { quotaRoutes } from '@sentral/contracts/api/tenancy/quotas';
import { scopeRoutes } from '@sentral/contracts/api/tenancy/scopes';
import type { Hono } from 'hono';
import { mountDocs } from './http/docs.js';
import type { Door } from './auth/door.js';
import { documents } from './http/documents.js';
import { mount } from './http/mount.js';
import type { Readiness } from './readiness.js';
import { accessHandlers, principalHandlers } from './routes/access.js';
import { allocationHandlers } from './routes/allocations.js';
import { capacityHandlers } from './routes/capacities.js';
import { graphHandlers } from './routes/graph.js';
import { importHandlers } from './routes/imports.js';
import { overviewHandlers } from './routes/overview.js';
import { policyHandlers } from './routes/policy.js';
import { poolHandlers } from './routes/pools.js';
import { quotaHandlers } from './routes/quotas.js';
import { scopeHandlers } from './routes/scopes.js';
import { systemHandlers } from './routes/system.js';
import type { World } from './routes/world.js';

/** The public model of Sentral: every route behind the door, in one place. */
export function mountFacade(app: Hono, use: { world: World; door: Door; readiness: () => Promise<Readiness> }): void {
  const { world, door } = use;
  mount(app, systemRoutes, { handlers: systemHandlers({ readiness: use.readiness, documents: documents() }), door });
  mount(app, scopeRoutes, { handlers: scopeHandlers(world), door });
  mount(app, accessRoutes, { handlers: accessHandlers(world), door });
  mount(app, principalRoutes, { handlers: principalHandlers(world), door });
  mount(app, policyRoutes, { handlers: policyHandlers(world), door });
  mount(app, quotaRoutes, { handlers: quotaHandlers(world), door });
  mount(app, overviewRoutes, { handlers: overviewHandlers(world), door });
  mount(app, graphRoutes, { handlers: graphHandlers(world), door });
  mount(app, capacityRoutes, { handlers: capacityHandlers(world), door });
  mount(app, poolRoutes, { handlers: poolHandlers(world), door });
  mount(app, allocationRoutes, { handlers: allocationHandlers(world), door });
  mount(app, importRoutes, { handlers: importHandlers(world), door });
  mountDocs(app);
}

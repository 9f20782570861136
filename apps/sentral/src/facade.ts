import { eventRoutes } from '@sentral/contracts/api/audit/events';
import { auditExportRoutes } from '@sentral/contracts/api/audit/exports';
import { legalHoldRoutes } from '@sentral/contracts/api/audit/legal-holds';
import { auditRoutes } from '@sentral/contracts/api/audit/records';
import { blastRadiusRoutes } from '@sentral/contracts/api/inventory/blast-radius';
import { findingRoutes } from '@sentral/contracts/api/inventory/findings';
import { graphRoutes } from '@sentral/contracts/api/inventory/graph';
import { allocationRoutes } from '@sentral/contracts/api/inventory/allocations';
import { capacityRoutes } from '@sentral/contracts/api/inventory/capacities';
import { importRoutes } from '@sentral/contracts/api/inventory/imports';
import { placementRoutes } from '@sentral/contracts/api/inventory/placements';
import { poolRoutes } from '@sentral/contracts/api/inventory/pools';
import { registryRoutes } from '@sentral/contracts/api/inventory/registries';
import { refusalRoutes } from '@sentral/contracts/api/inventory/refusals';
import { overviewRoutes } from '@sentral/contracts/api/overview';
import { bucketRoutes } from '@sentral/contracts/api/platform/buckets';
import { clusterRoutes } from '@sentral/contracts/api/platform/clusters';
import { machineRoutes } from '@sentral/contracts/api/platform/machines';
import { networkRoutes } from '@sentral/contracts/api/platform/networks';
import { systemRoutes } from '@sentral/contracts/api/system';
import { scheduleRoutes } from '@sentral/contracts/api/task/schedules';
import { serviceGateRoutes, taskRoutes } from '@sentral/contracts/api/task/tasks';
import { troubleRoutes } from '@sentral/contracts/api/task/trouble';
import { accessRoutes } from '@sentral/contracts/api/tenancy/access';
import { principalRoutes } from '@sentral/contracts/api/tenancy/principals';
import { policyRoutes } from '@sentral/contracts/api/tenancy/policy';
import { quotaRoutes } from '@sentral/contracts/api/tenancy/quotas';
import { scopeRoutes } from '@sentral/contracts/api/tenancy/scopes';
import type { Seal } from '@sentral/contracts/audit-seal';
import type { Pulse } from '@sentral/task';
import type { Hono } from 'hono';
import { again } from './http/again.js';
import { mountDocs } from './http/docs.js';
import type { Door } from './auth/door.js';
import { documents } from './http/documents.js';
import { createExpand } from './http/expand.js';
import { mount } from './http/mount.js';
import { createStreams } from './http/streams.js';
import type { Trail } from './http/trail.js';
import { createWaiting } from './http/waiting.js';
import type { Readiness } from './readiness.js';
import { accessHandlers, principalHandlers } from './routes/access.js';
import { eventHandlers } from './routes/events.js';
import { allocationHandlers } from './routes/allocations.js';
import { auditHandlers } from './routes/audit.js';
import { auditExportHandlers } from './routes/audit-exports.js';
import { legalHoldHandlers } from './routes/legal-holds.js';
import { capacityHandlers } from './routes/capacities.js';
import { blastRadiusHandlers } from './routes/blast-radius.js';
import { findingHandlers } from './routes/findings.js';
import { graphHandlers } from './routes/graph.js';
import { importHandlers } from './routes/imports.js';
import { overviewHandlers } from './routes/overview.js';
import { policyHandlers } from './routes/policy.js';
import { placementHandlers } from './routes/placements.js';
import { bucketHandlers, clusterHandlers, machineHandlers, networkHandlers } from './routes/platform-resources.js';
import { poolHandlers } from './routes/pools.js';
import { quotaHandlers } from './routes/quotas.js';
import { registryHandlers } from './routes/registries.js';
import { refusalHandlers } from './routes/refusals.js';
import { scheduleHandlers } from './routes/schedules.js';
import { scopeHandlers } from './routes/scopes.js';
import { systemHandlers } from './routes/system.js';
import { patienceOf, serviceGateHandlers, taskHandlers } from './routes/tasks.js';
import { troubleHandlers } from './routes/trouble.js';
import type { Contexts, World } from './routes/world.js';
import { createInvariants, type Diagnostics } from './diagnostics.js';

/** The public model of Sentral: every route behind the door, in one place. */
export function mountFacade(
  app: Hono,
  use: {
    world: World;
    contexts: Contexts;
    door: Door;
    trail: Trail;
    seal: Seal;
    pulse: Pulse;
    draining: () => boolean;
    readiness: () => Promise<Readiness>;
    diagnose: () => Promise<Diagnostics>;
  },
): void {
  const { world } = use;
  const streams = createStreams({ draining: use.draining, again: (asked) => again(use.door, asked) });
  const waiting = createWaiting(use.pulse, use.draining);
  const patience = patienceOf(world, waiting);
  const common = { door: use.door, trail: use.trail, seal: use.seal, expand: createExpand(world), patience };
  mount(app, systemRoutes, {
    handlers: systemHandlers({
      readiness: use.readiness,
      invariants: createInvariants(use.contexts),
      diagnose: use.diagnose,
      documents: documents(),
    }),
    ...common,
  });
  mount(app, scopeRoutes, { handlers: scopeHandlers(world), ...common });
  mount(app, accessRoutes, { handlers: accessHandlers(world), ...common });
  mount(app, principalRoutes, { handlers: principalHandlers(world), ...common });
  mount(app, policyRoutes, { handlers: policyHandlers(world), ...common });
  mount(app, quotaRoutes, { handlers: quotaHandlers(world), ...common });
  mount(app, overviewRoutes, { handlers: overviewHandlers(world), ...common });
  mount(app, graphRoutes, { handlers: graphHandlers(world), ...common });
  mount(app, blastRadiusRoutes, { handlers: blastRadiusHandlers(world), ...common });
  mount(app, registryRoutes, { handlers: registryHandlers(world), ...common });
  mount(app, capacityRoutes, { handlers: capacityHandlers(world), ...common });
  mount(app, poolRoutes, { handlers: poolHandlers(world), ...common });
  mount(app, placementRoutes, { handlers: placementHandlers(world), ...common });
  mount(app, allocationRoutes, { handlers: allocationHandlers(world), ...common });
  mount(app, refusalRoutes, { handlers: refusalHandlers(world), ...common });
  mount(app, importRoutes, { handlers: importHandlers(world), ...common });
  mount(app, findingRoutes, { handlers: findingHandlers(world), ...common });
  mount(app, taskRoutes, { handlers: taskHandlers(world, { streams, waiting }), ...common });
  mount(app, scheduleRoutes, { handlers: scheduleHandlers(world), ...common });
  mount(app, serviceGateRoutes, { handlers: serviceGateHandlers(world), ...common });
  mount(app, troubleRoutes, { handlers: troubleHandlers(world), ...common });
  mount(app, bucketRoutes, { handlers: bucketHandlers(world), ...common });
  mount(app, networkRoutes, { handlers: networkHandlers(world), ...common });
  mount(app, clusterRoutes, { handlers: clusterHandlers(world), ...common });
  mount(app, machineRoutes, { handlers: machineHandlers(world), ...common });
  mount(app, auditRoutes, { handlers: auditHandlers(world), ...common });
  mount(app, auditExportRoutes, { handlers: auditExportHandlers(world), ...common });
  mount(app, legalHoldRoutes, { handlers: legalHoldHandlers(world), ...common });
  mount(app, eventRoutes, { handlers: eventHandlers(world, streams), ...common });
  mountDocs(app);
}

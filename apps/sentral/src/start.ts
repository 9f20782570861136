import { newId, systemClock, type Clock } from '@sentral/kernel/id';
import { createTelemetry } from '@sentral/kernel/telemetry';
import { createPulse } from '@sentral/task';
import { isProductionDatabase, noteProduction } from '@sentral/tenancy';
import { setTimeout as pause } from 'node:timers/promises';
import { createAuthenticate, type TrustedIssuer } from './auth/authenticate.js';
import { createDoor } from './auth/door.js';
import { readIssuers } from './auth/issuers.js';
import { createLineage } from './auth/lineage.js';
import { createLocate } from './auth/locate.js';
import { createRateLimiter } from './auth/rate-limit.js';
import { createSessions, facade } from './auth/sessions.js';
import { openBus } from './bus.js';
import {
  createContexts,
  instanceKeys,
  needed,
  sealOf,
  openPools,
  poolsByRole,
  startLoops,
  startRelays,
} from './composition.js';
import type { Config } from './config.js';
import { diagnose } from './diagnostics.js';
import { mountFacade } from './facade.js';
import { createApp } from './http/app.js';
import { createCursors } from './http/cursor.js';
import { createTrail, type Trail } from './http/trail.js';
import { createInternalWire } from './internal-wire.js';
import { createOps, mountProbes } from './ops/app.js';
import { createMetrics } from './ops/metrics.js';
import { internalOperation, publicOperation } from './ops/requests.js';
import { readiness } from './readiness.js';
import { serve } from './serve.js';

export interface Running {
  readonly url: string;
  readonly internalUrl: string | undefined;
  /** Where /metrics is, if anywhere. */
  readonly opsUrl: string | undefined;
  /** Readiness 503, finish what runs, stop loops, close: within 10 s. */
  stop(): Promise<void>;
}

/** What clients have sent already is still on its way when the stop begins: so long it is let in, and each answer ends its connection. */
const drainMs = 500;

/** What is not for operators to set: a development start brings its own issuer, and tests a clock to judge tokens by. */
interface Besides {
  readonly issuers?: readonly TrustedIssuer[];
  readonly clock?: Clock;
}

/** Config → databases → bus → contexts → http → relays and loops → orderly stop. */
export async function start(config: Config, { issuers = [], clock = systemClock }: Besides = {}): Promise<Running> {
  const metrics = createMetrics(config.mode);
  const telemetry = createTelemetry({ format: config.log, onCount: metrics.count });
  const pools = openPools(config);
  // Before anything runs: a refusal here leaves nothing behind but pools, which are closed.
  await guardMode(config, pools);
  const { bus, db: busDb } = openBus(config, telemetry);
  const pulse = createPulse();
  const { meter } = metrics.tasks;
  const contexts = createContexts({ config, pools, telemetry, newId, pulse, meter });

  const relays = startRelays({ config, pools, bus, telemetry, audit: contexts.audit });
  const loops = startLoops({ config, pools, bus, telemetry, newId, pulse, meter }, contexts);

  let draining = false;
  const databases = Object.fromEntries(Object.entries(pools).map(([name, roles]) => [name, roles.app]));
  const app = createApp({
    newId,
    telemetry,
    draining: () => draining,
    watch: metrics.requests.watch('public', publicOperation),
  });
  const sessions = config.facade ? createSessions({ access: contexts.tenancy.access, telemetry }) : undefined;
  let trail: Trail | undefined;
  const ready = () =>
    readiness({
      databases,
      bus,
      lags: relays,
      // Types say that audit is there; a process of one context alone may not be told of it.
      integrity: (contexts.audit as unknown) === undefined ? undefined : () => contexts.audit.integrity.get(facade, {}),
      draining: () => draining,
      installation: () => sessions?.installation(),
      refusalsMissing: () => trail?.missing() ?? 0,
    });
  if (sessions !== undefined) {
    const lineage = createLineage(contexts.tenancy);
    const door = createDoor({
      authenticate: createAuthenticate([...issuersOf(config), ...issuers], { clock, log: telemetry.log }),
      sessions,
      lineage,
      locate: createLocate(contexts),
      limiter: createRateLimiter(config.rates),
    });
    trail = createTrail({ report: contexts.audit.request.report, lineage, telemetry });
    mountFacade(app, {
      trail,
      pulse,
      draining: () => draining,
      contexts,
      world: { ...contexts, cursors: createCursors(instanceKeys(config, 'cursor')) },
      seal: sealOf(config),
      door,
      readiness: ready,
      diagnose: () =>
        diagnose({
          mode: config.mode,
          contexts: config.contexts,
          pools: poolsByRole(pools, busDb),
          bus,
          relays,
          readiness: ready,
        }),
    });
  }
  const wire =
    config.internalPort === undefined
      ? undefined
      : {
          app: createInternalWire({
            config,
            contexts,
            telemetry,
            watch: metrics.requests.watch('internal', internalOperation),
          }),
          port: config.internalPort,
        };
  // A process without the facade answers only the wire and its probes.
  if (wire !== undefined) mountProbes(wire.app, ready);
  const listening = config.facade ? await serve(app, config) : undefined;
  const internal = wire === undefined ? undefined : await serve(wire.app, { host: config.host, port: wire.port });
  const seen = { pools: poolsByRole(pools, busDb), bus, relays };
  const opsApp = createOps({ metrics: () => metrics.text(seen), ready, telemetry });
  const ops =
    config.opsPort === undefined ? undefined : await serve(opsApp, { host: config.host, port: config.opsPort });

  return {
    url: needed(listening ?? internal, 'the port').url,
    internalUrl: internal?.url,
    opsUrl: ops?.url,
    async stop() {
      draining = true;
      await pause(drainMs);
      await Promise.all([listening?.close(5_000), internal?.close(5_000)]);
      await Promise.all(
        [...relays, ...loops, ...[sessions, trail].flatMap((each) => each ?? [])].map((loop) => loop.stop()),
      );
      await ops?.close(1_000);
      await bus.close();
      await Promise.all(
        [...Object.values(pools).flatMap((roles) => Object.values(roles)), busDb].map((db) => db?.close(2_000)),
      );
    },
  };
}

function issuersOf(config: Config): readonly TrustedIssuer[] {
  if (config.issuersFile === undefined) return [];
  return readIssuers(config.issuersFile).map(({ jwksUrl, ...issuer }) => ({ ...issuer, keys: { url: jwksUrl } }));
}

/** A database that production has used is never opened by a process that brings an issuer of its own. */
async function guardMode(config: Config, pools: ReturnType<typeof openPools>): Promise<void> {
  const db = pools.tenancy?.app;
  if (db === undefined) return;
  if (config.mode === 'production') return noteProduction(db);
  if (!(await isProductionDatabase(db))) return;
  await Promise.all(Object.values(pools).flatMap((roles) => Object.values(roles).map((each) => each.close(2_000))));
  throw new Error('SENTRAL_MODE is development, but this database has been used in production: it will not be opened');
}

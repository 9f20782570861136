import { newId } from '@sentral/kernel/id';
import { createTelemetry } from '@sentral/kernel/telemetry';
import { createInventoryLoops } from '@sentral/inventory';
import { setTimeout as pause } from 'node:timers/promises';
import { createAuthenticate, type Principal, type TrustedIssuer } from './auth/authenticate.js';
import { readIssuers } from './auth/issuers.js';
import { openBus } from './bus.js';
import { createContexts, needed, openPools, poolsByRole, startRelays } from './composition.js';
import type { Config } from './config.js';
import { mountFacade } from './facade.js';
import { createApp } from './http/app.js';
import { createCursors } from './http/cursor.js';
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

/** Config → databases → bus → contexts → http → relays and loops → orderly stop. */
export async function start(config: Config, extraIssuers: readonly TrustedIssuer[] = []): Promise<Running> {
  const metrics = createMetrics(config.mode);
  const telemetry = createTelemetry({ format: config.log, onCount: metrics.count });
  const pools = openPools(config);
  const { bus, db: busDb } = openBus(config, telemetry);
  const contexts = createContexts({ config, pools, telemetry, newId });

  const relays = startRelays({ config, pools, bus, telemetry });
  const inventoryPools = pools.inventory;
  const loops =
    inventoryPools === undefined
      ? []
      : createInventoryLoops({ db: inventoryPools, now: () => new Date(), newId, telemetry });

  let draining = false;
  const databases = Object.fromEntries(Object.entries(pools).map(([name, roles]) => [name, roles.app]));
  const ready = () => readiness({ databases, bus, lags: relays, draining: () => draining });
  const app = createApp({
    newId,
    telemetry,
    draining: () => draining,
    watch: metrics.requests.watch('public', publicOperation),
  });
  if (config.facade) {
    const authenticate = createAuthenticate([...issuersOf(config), ...extraIssuers]);
    const door = { authenticate, callerOf };
    mountFacade(app, {
      world: { ...contexts, cursors: createCursors(needed(config.instanceKey, 'SENTRAL_INSTANCE_KEY_FILE')) },
      door,
      readiness: ready,
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
      await Promise.all([...relays, ...loops].map((loop) => loop.stop()));
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

/** Until tenancy keeps principals, one is known by issuer and subject. */
const callerOf = (principal: Principal) => ({
  principal: { id: `${principal.issuer}#${principal.subject}`.slice(0, 128), type: 'user' as const },
  accessEpoch: 0,
  readScope: { all: true as const },
  scopes: [],
});

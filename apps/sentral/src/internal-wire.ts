import type { ContractDef, Implements } from '@sentral/contracts/contract';
import { verifyInternalToken } from '@sentral/contracts/internal-token';
import { serveContext } from '@sentral/contracts/server-internal';
import type { Telemetry } from '@sentral/kernel/telemetry';
import { Hono, type MiddlewareHandler } from 'hono';
import { contracts, needed } from './composition.js';
import type { Config } from './config.js';
import type { Contexts } from './routes/world.js';

/** What other processes may ask of the contexts here; always behind the key, on a port of its own. */
export function createInternalWire({
  config,
  contexts,
  telemetry,
  watch,
}: {
  config: Config;
  contexts: Contexts;
  telemetry: Telemetry;
  watch: MiddlewareHandler;
}): Hono {
  const app = new Hono();
  app.use('/internal/*', watch);
  const verify = async (bearer: string, audience: string) => {
    await verifyInternalToken(needed(config.internalKey, 'SENTRAL_INTERNAL_KEY_FILE'), bearer, {
      audience,
      nowSeconds: Math.floor(Date.now() / 1000),
    });
  };
  const onError = (verb: string, error: unknown) =>
    telemetry.log('error', 'call on the internal wire failed', { verb, error });
  for (const name of config.contexts) {
    const serve = serveContext(contracts[name] as ContractDef, contexts[name] as Implements<ContractDef>, {
      verify,
      onError,
    });
    app.post(`/internal/v1/${name}/:noun/:verb`, (c) => serve(c.req.raw));
  }
  return app;
}

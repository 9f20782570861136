import type { ContractDef, Implements } from '@sentral/contracts/contract';
import { verifyInternalToken } from '@sentral/contracts/internal-token';
import { serveContext } from '@sentral/contracts/server-internal';
import { Hono } from 'hono';
import { contracts } from './composition.js';
import type { Config } from './config.js';
import type { Contexts } from './routes/world.js';

/** What other processes may ask of the contexts here; always behind the key, on a port of its own. */
export function createInternalWire(config: Config, contexts: Contexts): Hono {
  const app = new Hono();
  const verify = async (bearer: string, audience: string) => {
    await verifyInternalToken(config.internalKey!, bearer, { audience, nowSeconds: Math.floor(Date.now() / 1000) });
  };
  for (const name of config.contexts) {
    const serve = serveContext(contracts[name] as ContractDef, contexts[name] as Implements<ContractDef>, { verify });
    app.post(`/internal/v1/${name}/:noun/:verb`, (c) => serve(c.req.raw));
  }
  return app;
}

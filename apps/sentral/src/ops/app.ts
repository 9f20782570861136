import { problem } from '@sentral/contracts/problem';
import { newId } from '@sentral/kernel/id';
import { encodeId } from '@sentral/contracts/ids';
import type { Telemetry } from '@sentral/kernel/telemetry';
import { Hono } from 'hono';
import { everyAnswer, problemResponse } from '../http/answer.js';
import type { Readiness } from '../readiness.js';

export interface OpsUse {
  readonly metrics: () => Promise<string>;
  readonly ready: () => Promise<Readiness>;
  readonly telemetry: Telemetry;
}

/** What operators ask of a process, whatever it serves; without a token, on a port that the world does not reach. */
export function createOps({ metrics, ready, telemetry }: OpsUse): Hono {
  const app = new Hono();
  app.get('/metrics', async () => {
    const headers = { ...everyAnswer, 'content-type': 'text/plain; version=0.0.4; charset=utf-8' };
    return new Response(await metrics(), { headers });
  });
  mountProbes(app, ready);
  const refused = (error: unknown) => problemResponse(error, encodeId('req', newId()), telemetry);
  app.onError(refused);
  app.notFound(() => refused(problem('not-found', { resourceType: 'route' })));
  return app;
}

/** The two questions of a balancer. */
export function mountProbes(app: Hono, ready: () => Promise<Readiness>): void {
  app.get('/livez', (c) => c.json({ status: 'ok' }));
  app.get('/readyz', async (c) => {
    const body = await ready();
    return c.json(body, body.status === 'ready' ? 200 : 503);
  });
}

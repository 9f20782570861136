import { routes } from '@sentral/contracts/api/routes';
import type { ContractDef } from '@sentral/contracts/contract';
import type { RouteDef } from '@sentral/contracts/route';
import type { Context, MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import { contracts } from '../composition.js';
import { counter, gauge, histogram, type Family } from './exposition.js';

/** Which operation a request is, by the route that it met and never by what it asked for: paths hold ids. */
export type OperationOf = (c: Context) => string;

/** A request that met no route, whatever it asked for. */
const unmatched = 'unmatched';
const boundsSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

export interface Requests {
  readonly families: readonly Family[];
  /** Goes before everything else of an app, so that refusals are counted too. */
  watch(door: 'public' | 'internal', operationOf: OperationOf): MiddlewareHandler;
}

export function createRequests(): Requests {
  const answered = counter({
    name: 'sentral_http_requests_total',
    help: 'Requests answered, by operation, method and status class.',
    labels: ['door', 'operation', 'method', 'status'],
  });
  const durations = histogram(
    {
      name: 'sentral_http_request_duration_seconds',
      help: 'From the first byte read to the answer made; a streamed body is not waited for.',
      labels: ['door', 'operation', 'method'],
    },
    boundsSeconds,
  );
  const running = { public: 0, internal: 0 };
  const inFlight = gauge('sentral_http_requests_in_flight', 'Requests that are being answered.', () =>
    Object.entries(running).map(([door, value]) => ({ labels: { door }, value })),
  );
  return {
    families: [answered, durations, inFlight],
    watch: (door, operationOf) => async (c, next) => {
      const began = performance.now();
      running[door] += 1;
      try {
        await next();
      } finally {
        running[door] -= 1;
        const of = { door, operation: operationOf(c), method: methods.has(c.req.method) ? c.req.method : 'other' };
        answered.add({ ...of, status: `${Math.floor(c.res.status / 100)}xx` });
        durations.observe(of, (performance.now() - began) / 1000);
      }
    },
  };
}

const operationIds = new Map(
  Object.values(routes as Readonly<Record<string, RouteDef>>).map((def) => [
    `${def.method} ${def.path}`,
    def.operationId,
  ]),
);

/** The operationId; a page for people is known by its pattern. */
export const publicOperation: OperationOf = (c) => {
  const met = matchedRoutes(c).findLast(({ method }) => method !== 'ALL');
  return met === undefined ? unmatched : (operationIds.get(`${met.method} ${met.path}`) ?? met.path);
};

/** `inventory.node.get`, where the contract has such a verb. */
export const internalOperation: OperationOf = (c) => {
  const [context = '', noun = '', verb = ''] = c.req.path.replace('/internal/v1/', '').split('/');
  const contract = own<ContractDef>(contracts, context);
  const known = own(own<object>(contract?.nouns, noun), verb) !== undefined;
  return known ? `${context}.${noun}.${verb}` : unmatched;
};

function own<T>(of: object | undefined, name: string): T | undefined {
  return of !== undefined && Object.hasOwn(of, name) ? (of as Record<string, T>)[name] : undefined;
}

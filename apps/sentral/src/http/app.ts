import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Telemetry } from '@sentral/kernel/telemetry';
import { Hono, type MiddlewareHandler } from 'hono';
import { problemResponse } from './answer.js';
import { hasContent } from './body.js';

const uriLimitBytes = 8 * 1024;

export interface AppOptions {
  readonly newId: () => string;
  readonly telemetry: Telemetry;
  /** While draining, every answer asks the client to come back on another connection. */
  readonly draining: () => boolean;
  /** Sees every request first and its answer last. */
  readonly watch: MiddlewareHandler;
}

/** The shell around all routes: request ids, limits, and problem+json for whatever is thrown or not there. */
export function createApp(options: AppOptions): Hono {
  const app = new Hono();
  app.use(options.watch);
  app.use(async (c, next) => {
    const requestId = encodeId('req', options.newId());
    c.set('requestId' as never, requestId as never);
    if (c.req.url.length > uriLimitBytes) throw problem('uri-too-long', { limitBytes: uriLimitBytes });
    if (new URL(c.req.url).searchParams.has('access_token')) {
      throw problem(
        'invalid-parameter',
        { parameter: 'access_token' },
        'A token belongs into the Authorization header, never into a URL.',
      );
    }
    const accept = c.req.header('accept');
    if (
      accept !== undefined &&
      !/(\*\/\*|application\/(\*|json|problem\+json|gzip)|text\/(\*|html|css|event-stream))/.test(accept)
    ) {
      throw problem('not-acceptable', { supported: ['application/json'] });
    }
    const started = performance.now();
    await next();
    if (!c.res.headers.has('request-id')) c.res.headers.set('request-id', requestId);
    const theirs = c.req.header('client-request-id');
    if (theirs !== undefined && /^[\x21-\x7e]{1,128}$/.test(theirs)) c.res.headers.set('client-request-id', theirs);
    // What was not read of a body must not be taken for the next request of its connection.
    if (c.res.status === 413 || (hasContent(c.req.raw) && !c.req.raw.bodyUsed))
      c.res.headers.set('connection', 'close');
    if (options.draining()) c.res.headers.set('connection', 'close');
    // Path only: a query string may hold what a log must not.
    options.telemetry.log('debug', 'request', {
      requestId,
      method: c.req.method,
      path: new URL(c.req.url).pathname,
      status: c.res.status,
      durationMs: Math.round(performance.now() - started),
    });
  });
  const requestIdOf = (c: { get(key: never): unknown }) =>
    (c.get('requestId' as never) as string | undefined) ?? encodeId('req', options.newId());
  app.onError((error, c) => problemResponse(error, requestIdOf(c), options.telemetry));
  app.notFound((c) => {
    const allow = methodsOf(app, c.req.path);
    const refusal =
      allow.length > 0 ? problem('method-not-allowed', { allow }) : problem('not-found', { resourceType: 'route' });
    return problemResponse(refusal, requestIdOf(c), options.telemetry);
  });
  return app;
}

function methodsOf(app: Hono, path: string): readonly string[] {
  const known = app.routes.filter((route) => route.method !== 'ALL' && matches(route.path, path));
  return [...new Set(known.map((route) => route.method))].toSorted();
}

function matches(pattern: string, path: string): boolean {
  const want = pattern.split('/');
  const have = path.split('/');
  return want.length === have.length && want.every((part, i) => part.startsWith(':') || part === have[i]);
}

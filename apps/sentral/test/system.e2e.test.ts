import { routes } from '@sentral/contracts/api/routes';
import type { RouteDef } from '@sentral/contracts/route';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type Json, type TestServer } from './start-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

test('it lives and is ready, and says how each of its parts is', async () => {
  expect((await server.ask('/livez', { token: null })).body).toEqual({ status: 'ok' });
  const ready = await server.ask('/readyz', { token: null });
  expect([ready.status, ready.body.status]).toEqual([200, 'ready']);
  expect(ready.body.parts.map(({ name, status }: Json) => `${name}: ${status}`)).toEqual([
    ...['tenancy', 'inventory', 'task', 'audit'].map((context) => `database ${context}: ok`),
    'bus: ok',
    ...['tenancy', 'inventory', 'task', 'audit'].flatMap((context) => [
      `feed ${context}: ok`,
      `audit of ${context}: ok`,
    ]),
    'audit integrity: ok',
  ]);
});

test('the document lists every route and nothing besides', async () => {
  const { body } = await server.ask('/openapi.json', { token: null });
  const listed = Object.entries(body.paths as Record<string, Record<string, { operationId?: string }>>).flatMap(
    ([at, item]) =>
      Object.entries(item).flatMap(([method, operation]) =>
        operation.operationId === undefined ? [] : [`${method.toUpperCase()} ${at} ${operation.operationId}`],
      ),
  );
  const offered = Object.values(routes as Record<string, RouteDef>).map(
    (def) => `${def.method} ${def.path.replaceAll(/:(\w+)/g, '{$1}')} ${def.operationId}`,
  );
  expect(body.openapi).toBe('3.1.0');
  expect(listed.toSorted()).toEqual(offered.toSorted());
});

test('what is served is what is published with the contracts', async () => {
  const published = (name: string): Json =>
    JSON.parse(readFileSync(createRequire(import.meta.url).resolve(`@sentral/contracts/${name}`), 'utf8'));
  for (const name of ['openapi.json', 'asyncapi.json'])
    expect((await server.ask(`/${name}`, { token: null })).body, name).toEqual(published(name));
});

test('every route of the document answers: none is listed and not there', async () => {
  for (const def of Object.values(routes as Record<string, RouteDef>)) {
    const answer = await server.ask(def.path.replaceAll(/:\w+/g, 'x'), { method: def.method, token: null });
    expect([def.operationId, answer.body.code ?? 'ok']).toEqual([
      def.operationId,
      def.permission === null && def.self === undefined ? 'ok' : 'unauthenticated',
    ]);
  }
});

test('the reference page comes with all that it needs, and loads nothing from elsewhere', async () => {
  const page = await server.ask<string>('/docs', { token: null });
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  const needed = [...page.body.matchAll(/<(?:script|link)[^>]*(?:src|href)="([^"]+)"/g)].map(([, at]) => at!);
  expect(needed.length).toBeGreaterThan(2);
  for (const at of needed) {
    expect(at).toMatch(/^\/docs\//);
    expect((await server.ask(at, { token: null })).status).toBe(200);
  }
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  const links = [...page.body.matchAll(/<a href="([^"]+)"/g)].map(([, at]) => at!);
  expect(links).toEqual(['/openapi.json', '/asyncapi.json']);
});

test('every problem has a page under the name in its type', async () => {
  const page = await server.ask<string>('/problems/version-mismatch', { token: null });
  expect([page.status, page.body.startsWith('version-mismatch')]).toEqual([200, true]);
  expect((await server.ask('/problems/toString', { token: null })).status).toBe(404);
});

test('every answer has a request id of its own and forbids guessing its type', async () => {
  const seen = new Set<string | null>();
  const asked = [
    '/livez',
    '/readyz',
    '/openapi.json',
    '/docs',
    '/docs/start.js',
    '/problems/internal',
    '/v1/whoami',
    '/v1/kinds',
    '/v1/nowhere',
    '/v1/nodes?bogus=1',
  ];
  for (const at of asked) {
    const { headers } = await server.ask(at);
    expect([at, headers.get('request-id'), headers.get('x-content-type-options')]).toEqual([
      at,
      expect.stringMatching(/^req_[0-9a-z]{26}$/),
      'nosniff',
    ]);
    seen.add(headers.get('request-id'));
  }
  expect(seen.size).toBe(asked.length);
});

test('a client’s own request id comes back, unless it is noise', async () => {
  expect(
    (await server.ask('/livez', { headers: { 'client-request-id': 'mine-1' } })).headers.get('client-request-id'),
  ).toBe('mine-1');
  expect(
    (await server.ask('/livez', { headers: { 'client-request-id': 'a b' } })).headers.has('client-request-id'),
  ).toBe(false);
});

describe('while the bus is away', () => {
  let alone: TestServer;
  beforeAll(async () => {
    alone = await startServer({ SENTRAL_NATS_URL: `nats://127.0.0.1:${await closedPort()}` });
  });
  afterAll(() => alone.stop());

  test('it stays ready, calls the bus degraded, and takes changes', async () => {
    const ready = await alone.ask('/readyz', { token: null });
    expect([ready.status, ready.body.status]).toEqual([200, 'ready']);
    expect(ready.body.parts.find(({ name }: Json) => name === 'bus')).toMatchObject({ status: 'degraded' });
    expect((await alone.ask('/v1/nodes', { body: { kind: 'site', name: 'alone' } })).status).toBe(201);
  });
});

/** A port that nobody listens on: one that was free a moment ago. */
function closedPort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

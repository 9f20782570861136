import { routes } from '@sentral/contracts/api/routes';
import type { RouteDef } from '@sentral/contracts/route';
import { openDatabase } from '@sentral/kernel/database';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { any, made, numbers } from './cast.js';
import { startServer, type Asking, type TestServer } from './start-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

/** Questions that are too long for a query. */
const questions = /^(checkAccess|findPlacements|findEarliestAllocation|countAuditIntegrity|simulate[A-Z][a-z]+Policy)$/;

test('every change can be tried', () => {
  const cannot = Object.values(routes as Record<string, RouteDef>)
    .filter(({ method }) => method !== 'GET')
    .filter(({ query }) => !Object.hasOwn((query as { entries?: object } | undefined)?.entries ?? {}, 'dryRun'))
    .map(({ operationId }) => operationId);
  expect(cannot.filter((id) => !questions.test(id))).toEqual([]);
});

/** Every row of both contexts, as one digest a table; the loops' own bookkeeping apart. */
async function everyRow(): Promise<Record<string, string>> {
  const db = openDatabase({ url: server.adminUrl, applicationName: 'dry-run', poolSize: 1 });
  try {
    const tables = await db.unsafe(
      `select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname in ('inventory', 'tenancy') and c.relkind in ('r', 'p') and not c.relispartition and c.relname not in ('lease', 'inbox')`,
    );
    const found: Record<string, string> = {};
    for (const { name } of tables) {
      // The position comes from the relay, whenever it does.
      const row = String(name).endsWith('.feed') ? `(to_jsonb(t) - 'pos')` : 'to_jsonb(t)';
      const [digest] = await db.unsafe(
        `select count(*) || ' ' || coalesce(md5(string_agg(${row}::text, '|' order by ${row}::text)), '') as rows from ${String(name)} t`,
      );
      found[String(name)] = String(digest?.['rows']);
    }
    return found;
  } finally {
    await db.close();
  }
}

test('what is tried answers as if it were done, and no row of any table is another one afterwards', async () => {
  const environmentId: string = (await server.ask('/v1/environments')).body.items[0].id;
  const site = await made(server.ask('/v1/nodes', { body: { kind: 'site', name: 'tried' } }));
  const rack = await made(server.ask('/v1/nodes', { body: { kind: 'rack', name: 'r', parentId: site.id } }));
  const space = await made(server.ask('/v1/addressSpaces', { body: { name: 'tried' } }));
  const block = await made(server.ask(`/v1/addressSpaces/${space.id}/blocks`, { body: { cidr: '10.0.0.0/8' } }));
  const domainId = await numbers(server, 'tried');
  const consumer = { service: 's', kind: 'k', id: 'held' };
  const items = [{ what: 'number', domainId }];
  const at = `/v1/environments/${environmentId}/allocations`;
  const held = await made(
    server.ask(at, { body: { consumer, items, ttlSeconds: 600 }, headers: { 'idempotency-key': 'held' } }),
  );
  const owner = { type: 'user', id: (await server.ask('/v1/whoami')).body.principal.id as string };
  const changes: readonly (readonly [string, Asking, number])[] = [
    ['/v1/nodes', { body: { kind: 'site', name: 'another' } }, 201],
    [`/v1/nodes/${rack.id}`, { method: 'PATCH', body: { labels: { x: 'y' } }, headers: any }, 200],
    [`/v1/nodes/${rack.id}`, { method: 'DELETE', headers: any }, 200],
    ['/v1/addressSpaces', { body: { name: 'another' } }, 201],
    [`/v1/addressSpaces/${space.id}/blocks`, { body: { cidr: '10.1.0.0/16' } }, 201],
    [`/v1/addressSpaces/${space.id}/addresses`, { body: { address: '10.2.3.4' } }, 201],
    [`/v1/addressBlocks/${block.id}`, { method: 'DELETE', headers: any }, 200],
    ['/v1/numberDomains', { body: { name: 'another', kind: 'vni' } }, 201],
    [`/v1/numberDomains/${domainId}/ranges`, { body: { start: 200_000, end: 200_100 } }, 201],
    [at, { body: { consumer: { ...consumer, id: 'new' }, items }, headers: { 'idempotency-key': 'tried' } }, 201],
    [`/v1/allocations/${held.id}/confirm`, { method: 'POST' }, 200],
    [`/v1/allocations/${held.id}/renew`, { body: { ttlSeconds: 300 } }, 200],
    [`/v1/allocations/${held.id}/release`, { method: 'POST' }, 200],
    ['/v1/tenants', { body: { name: 'another', owner } }, 201],
    [`/v1/environments/${environmentId}`, { method: 'PATCH', body: { displayName: 'x' }, headers: any }, 200],
    [`/v1/environments/${environmentId}/holds`, { body: { origin: 'test', reason: 'tried' } }, 201],
    [`/v1/environments/${environmentId}/quotas`, { body: { dimension: 'inventory.number', limit: 5 } }, 201],
  ];
  const before = await everyRow();
  for (const [path, asking, status] of changes) {
    const answer = await server.ask(`${path}?dryRun=true`, asking);
    expect([path, answer.status, answer.body.code]).toEqual([path, status, undefined]);
    expect([path, answer.headers.get('dry-run'), answer.headers.get('location')]).toEqual([path, 'true', null]);
    if (status === 201) expect([path, 'id' in answer.body]).toEqual([path, false]);
    expect([path, await everyRow()]).toEqual([path, before]);
  }
  // The key of what was tried is still free, and so is what it would have taken.
  const real = await server.ask(at, changes[9]?.[1]);
  expect([real.status, real.headers.get('idempotency-replayed'), real.headers.get('dry-run')]).toEqual([
    201,
    null,
    null,
  ]);
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { as, made, person } from './cast.js';
import { startServer, type Json, type TestServer } from './start-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const site = async (name: string): Promise<{ id: string; at: string }> => {
  const { id } = await made(server.ask('/v1/nodes', { body: { kind: 'site', name } }));
  return { id, at: `/v1/nodes/${id}` };
};
const batch = (operations: readonly object[], more: Parameters<TestServer['ask']>[1] = {}, query = '') =>
  server.ask(`/v1/nodes/batch${query}`, { body: { operations }, ...more });
const versionOf = async (at: string): Promise<number> => (await server.ask(at)).body.version;

test('a batch changes all of its nodes, and each tells in its history who did it', async () => {
  const [a, b] = [await site('batch-a'), await site('batch-b')];
  const { status, body } = await batch([
    { op: 'update', path: a.at, ifMatch: '"1"', body: { labels: { x: 'y' } } },
    { op: 'create', body: { kind: 'rack', name: 'r1', parentId: a.id } },
    { op: 'delete', path: b.at, ifMatch: '*' },
  ]);
  expect([status, body.items.map((each: Json) => [each.kind, each.version, each.state])]).toEqual([
    200,
    [
      ['site', 2, 'available'],
      ['rack', 1, 'available'],
      ['site', 2, 'retired'],
    ],
  ]);
  const history = await server.ask(`${a.at}/history?fields=version,by,changedFields&limit=1`);
  const me = (await server.ask('/v1/whoami')).body.principal;
  expect(history.body.items).toEqual([{ version: 2, by: { id: me.id, type: 'user' }, changedFields: ['/labels'] }]);
  expect(history.headers.get('link')).toMatch(/rel="next"/);
  expect((await server.ask('/v1/nodes/nod_01m8bzgg4vezzr1xr9v1d6gkb3/history')).status).toBe(404);
});

test('an operation that is refused is named, and nothing of the batch is done', async () => {
  const a = await site('refused');
  const first = { op: 'update', path: a.at, ifMatch: '*', body: { intent: 'drain' } };
  const cases: readonly (readonly [object, number, string])[] = [
    [{ op: 'update', path: a.at, body: {} }, 428, 'precondition-required'],
    [{ op: 'update', path: a.at, ifMatch: 'W/"1"', body: { intent: 'expunged' } }, 422, 'validation-failed'],
    [{ op: 'update', path: a.at, ifMatch: '"1"', body: { intent: 'expunged' } }, 412, 'version-mismatch'],
    [{ op: 'create', body: { kind: 'site', name: 'refused' } }, 409, 'already-exists'],
    [{ op: 'update', path: `/v1/edges/${a.id}`, ifMatch: '*', body: {} }, 422, 'validation-failed'],
    [{ op: 'explode', path: a.at }, 422, 'validation-failed'],
  ];
  for (const [last, status, code] of cases) {
    const { body, ...answer } = await batch([first, last]);
    expect([last, answer.status, body.code]).toEqual([last, status, code]);
    if (code === 'validation-failed') expect(body.errors[0].pointer).toMatch(/^\/operations\/1\//);
    else expect([code, body.operationIndex]).toEqual([code, 1]);
  }
  expect(await versionOf(a.at)).toBe(1);
  for (const operations of [[], Array.from({ length: 101 }, () => first)])
    expect((await batch(operations)).body.code).toBe('validation-failed');
});

test('each operation needs the permission of its own request, and who may not read nodes may not ask', async () => {
  const a = await site('guarded');
  const update = { op: 'update', path: a.at, ifMatch: '*', body: { intent: 'drain' } };
  const stranger = await person(server, 'stranger');
  expect((await batch([update], as(stranger))).status).toBe(403);
  const reader = await person(server, 'reader');
  const subject = { type: 'user', id: reader.id };
  await made(server.ask('/v1/platform/roleBindings', { body: { subject, role: 'platform-viewer' } }));
  const { status, body } = await batch([update, { op: 'delete', path: a.at, ifMatch: '*' }], as(reader));
  expect([status, body.code, body.missingPermission, body.operationIndex]).toEqual([
    403,
    'permission-denied',
    'inventory.node.update',
    0,
  ]);
  expect(await versionOf(a.at)).toBe(1);
});

test('a repeated key is answered once, and a batch that is tried leaves no row', async () => {
  const a = await site('repeated');
  const operations = [{ op: 'update', path: a.at, ifMatch: '"1"', body: { intent: 'drain' } }];
  const tried = await batch(operations, {}, '?dryRun=true');
  expect([tried.status, tried.headers.get('dry-run'), tried.body.items[0].version]).toEqual([200, 'true', 2]);
  expect(await versionOf(a.at)).toBe(1);
  const key = { headers: { 'idempotency-key': 'batch-1' } };
  const [once, again] = [await batch(operations, key), await batch(operations, key)];
  expect([once.status, once.headers.get('idempotency-replayed')]).toEqual([200, null]);
  expect([again.status, again.headers.get('idempotency-replayed'), again.body]).toEqual([200, 'true', once.body]);
  expect(await versionOf(a.at)).toBe(2);
});

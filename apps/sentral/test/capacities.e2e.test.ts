import { defaultEnvironmentId } from '@sentral/contracts/tenancy';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type Json, type TestServer } from './start-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

let sent = 0;
const consumer = () => ({ service: 'e2e', kind: 'client', id: `client-${(sent += 1)}` });
const keyed = () => ({ 'idempotency-key': `key-${(sent += 1)}` });
const patched = { 'content-type': 'application/merge-patch+json' };

async function host(): Promise<string> {
  const { status, body } = await server.ask('/v1/nodes', { body: { kind: 'cluster', name: `host-${(sent += 1)}` } });
  expect(status, JSON.stringify(body)).toBe(201);
  return body.id as string;
}
const ask = (path: string, method: string, more: { body?: object; headers?: Record<string, string> } = {}) =>
  server.ask(path, { method, ...more });
const vcpu = (nodeId: string, amount: number) => ({ what: 'capacity', nodeId, class: 'vcpu', amount });
const allocate = (items: readonly Json[]) =>
  ask(`/v1/environments/${defaultEnvironmentId}/allocations`, 'POST', {
    body: { consumer: consumer(), items },
    headers: keyed(),
  });

test('POST PUT PATCH DELETE /nodes/{nod}/capacities: what a node offers, at the version of the node', async () => {
  const id = await host();
  const at = `/v1/nodes/${id}/capacities`;
  const added = await ask(at, 'POST', { body: { class: 'vcpu', total: 8 } });
  expect([added.status, added.headers.get('location'), added.headers.get('etag')]).toEqual([201, `${at}/vcpu`, '"2"']);
  expect((await ask(at, 'POST', { body: { class: 'vcpu', total: 8 } })).body).toMatchObject({
    code: 'already-exists',
    field: 'class',
  });
  expect((await ask(at, 'PUT', { body: { capacities: [] } })).status).toBe(428);
  const patch = (version: string, body: object) =>
    ask(`${at}/vcpu`, 'PATCH', { body, headers: { ...patched, 'if-match': version } });
  expect((await patch('"2"', { total: 4, overcommitPct: 200 })).body.items[0]).toMatchObject({ cap: 8, version: 3 });
  expect((await patch('"2"', { total: 5 })).body).toMatchObject({
    status: 412,
    code: 'version-mismatch',
    currentVersion: 3,
    changedFields: ['/capacities'],
  });
  expect((await patch('"3"', { total: 0 })).body).toMatchObject({ status: 422, code: 'validation-failed' });
  expect((await patch('"3"', { heldBack: 5 })).body).toMatchObject({
    status: 422,
    errors: [{ pointer: '/patch/heldBack' }],
  });
  const set = await ask(at, 'PUT', {
    body: {
      capacities: [
        { class: 'vcpu', total: 8 },
        { class: 'memoryMib', total: 64 },
      ],
    },
    headers: { 'if-match': '"3"' },
  });
  expect(set.body.items.map((each: Json) => each.class)).toEqual(['memoryMib', 'vcpu']);
  expect((await ask(`${at}/memoryMib`, 'DELETE', { headers: { 'if-match': '*' } })).status).toBe(200);
  expect((await ask(`${at}/memoryMib`, 'GET')).status).toBe(404);
  expect((await ask('/v1/resourceClasses', 'GET')).body.items.map((each: Json) => each.key)).toContain('milliGpu');
});

test('POST PATCH DELETE /allocations: an amount is taken, resized at its version, and given back once', async () => {
  const id = await host();
  await ask(`/v1/nodes/${id}/capacities`, 'POST', { body: { class: 'vcpu', total: 10 } });
  const held = await allocate([vcpu(id, 4)]);
  expect([held.status, held.body.items[0].amount]).toEqual([201, 4]);
  expect((await allocate([vcpu(id, 7)])).body).toMatchObject({
    status: 409,
    code: 'capacity-exhausted',
    providerId: id,
    unit: 'vcpu',
    requested: 7,
    available: 6,
  });
  for (const amount of [0, -1, 1.5, '2']) expect((await allocate([{ ...vcpu(id, 1), amount }])).status).toBe(422);
  const at = `/v1/allocations/${held.body.id}`;
  const resize = (version: string | undefined, amount: number) =>
    ask(at, 'PATCH', {
      body: { items: [vcpu(id, amount)] },
      headers: { ...patched, ...(version === undefined ? {} : { 'if-match': version }) },
    });
  expect((await resize(undefined, 5)).status).toBe(428);
  expect((await resize('"1"', 10)).headers.get('etag')).toBe('"2"');
  expect((await resize('"1"', 5)).status).toBe(412);
  expect((await ask(`/v1/nodes/${id}/capacities/vcpu`, 'GET')).body).toMatchObject({ used: 10, free: 0 });
  expect([(await ask(at, 'DELETE')).status, (await ask(at, 'DELETE')).status]).toEqual([200, 404]);
  expect((await ask(`/v1/nodes/${id}/capacities/vcpu`, 'GET')).body.used).toBe(0);
});

test('POST /allocations/batch: all or nothing, and a refusal says which operation it is about', async () => {
  const id = await host();
  await ask(`/v1/nodes/${id}/capacities`, 'POST', { body: { class: 'vcpu', total: 4 } });
  const held = (await allocate([vcpu(id, 3)])).body;
  const create = (amount: number, environmentId = defaultEnvironmentId as string) => ({
    op: 'create',
    environmentId,
    consumer: consumer(),
    items: [vcpu(id, amount)],
  });
  const batch = (...operations: object[]) =>
    ask('/v1/allocations/batch', 'POST', { body: { operations }, headers: keyed() });
  const release = { op: 'release', id: held.id, version: 1 };
  expect((await batch(release, create(5))).body).toMatchObject({
    status: 409,
    code: 'capacity-exhausted',
    operationIndex: 1,
  });
  expect((await batch(create(1, `${defaultEnvironmentId.slice(0, -1)}0`))).body).toMatchObject({
    status: 422,
    code: 'reference-not-found',
    operationIndex: 0,
  });
  expect((await batch(create(1), { ...release, id: `${held.id.slice(0, -1)}0` })).body).toMatchObject({
    status: 404,
    operationIndex: 1,
  });
  expect((await ask('/v1/allocations/batch', 'POST', { body: { operations: [create(1)] } })).body.code).toBe(
    'idempotency-key-required',
  );
  const done = await batch(release, create(4));
  expect(done.body.items.map((each: Json) => each.state)).toEqual(['released', 'active']);
  expect((await ask(`/v1/nodes/${id}/capacities/vcpu`, 'GET')).body.used).toBe(4);
});

test('POST /nodes/reshape: an offer and what is held of it go to a child, at the versions that were read', async () => {
  const made = await ask('/v1/nodes', 'POST', { body: { kind: 'server', name: `host-${(sent += 1)}` } });
  const id: string = made.body.id;
  await ask(`/v1/nodes/${id}/capacities`, 'POST', { body: { class: 'vcpu', total: 4 } });
  const child: string = (await ask('/v1/nodes', 'POST', { body: { kind: 'module', name: 'numa0', parentId: id } })).body
    .id;
  const held = (await allocate([vcpu(id, 3)])).body;
  const reshape = (version: number, headers = keyed()) =>
    ask('/v1/nodes/reshape', 'POST', {
      body: {
        nodes: [
          { id, version, capacities: [] },
          { id: child, version: 1, capacities: [{ class: 'vcpu', total: 4 }] },
        ],
        allocations: [{ id: held.id, version: 1, items: [vcpu(child, 3)] }],
      },
      headers,
    });
  expect((await reshape(1)).body).toMatchObject({ status: 412, code: 'version-mismatch', resourceId: id });
  expect((await reshape(2, {} as never)).body.code).toBe('idempotency-key-required');
  const key = keyed();
  const { status, body } = await reshape(2, key);
  expect([status, body.nodes.map((each: Json) => each.version), body.allocations[0].items[0].nodeId]).toEqual([
    200,
    [3, 2],
    child,
  ]);
  const again = await reshape(2, key);
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
  expect((await ask(`/v1/nodes/${child}/capacities/vcpu`, 'GET')).body).toMatchObject({ used: 3, free: 1 });
});

test('GET /nodes/{nod}/blastRadius: what is hit, with the tasks and holds that their owners add', async () => {
  const id = await host();
  await ask(`/v1/nodes/${id}/capacities`, 'POST', { body: { class: 'vcpu', total: 4 } });
  const held = (await allocate([vcpu(id, 1)])).body;
  const hold = await ask(`/v1/environments/${defaultEnvironmentId}/holds`, 'POST', {
    body: { origin: 'case', reason: 'kept' },
  });
  expect(hold.status, JSON.stringify(hold.body)).toBe(201);
  const { status, body } = await ask(`/v1/nodes/${id}/blastRadius?limit=10`, 'GET');
  expect([status, body.nodes.map((each: Json) => each.id), body.truncated]).toEqual([200, [id], false]);
  expect(body.allocations).toMatchObject([{ id: held.id, environmentId: defaultEnvironmentId, state: 'active' }]);
  expect(body.scopes.environmentIds).toEqual([defaultEnvironmentId]);
  expect([body.environmentsAsked, body.tasks.status, body.holds]).toMatchObject([
    1,
    'ok',
    { status: 'ok', data: { items: [{ id: hold.body.id }], more: false } },
  ]);
  expect((await ask(`/v1/nodes/${id}/blastRadius?limit=0`, 'GET')).body.code).toBe('invalid-parameter');
  expect((await ask(`/v1/nodes/${id.slice(0, -1)}0/blastRadius`, 'GET')).status).toBe(404);
});

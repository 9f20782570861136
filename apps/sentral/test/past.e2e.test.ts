import { afterAll, beforeAll, expect, test } from 'vitest';
import { as, house, made, type House } from './cast.js';
import { startServer, type Json, type TestServer } from './start-server.js';

let server: TestServer;
let place: House;
beforeAll(async () => {
  server = await startServer();
  place = await house(server, 'past');
});
afterAll(() => server?.stop());

const pause = () => new Promise((resolve) => setTimeout(resolve, 5));
/** An instant by the clock of the one machine, with nothing else in its millisecond. */
const instant = async (): Promise<string> => {
  await pause();
  const at = new Date().toISOString();
  await pause();
  return at;
};
const node = (kind: string, more: object = {}) =>
  made(server.ask('/v1/nodes', { body: { kind, name: `${kind}-${Math.random()}`, ...more } }));
const read = async (at: string, token = server.token) => made(server.ask(at, { token }), 200);
const refused = async (at: string, token = server.token): Promise<Json> => {
  const { status, body } = await server.ask(at, { token });
  return [status, body.code, ...(body.parameter === undefined ? [] : [body.parameter])];
};

test('GET with asOf: a node, its subtree, edges, prefixes and allocations as they were; its version is the ETag of then', async () => {
  const rack = await node('rack');
  const box = await node('server', { parentId: rack.id });
  const space = await made(server.ask('/v1/addressSpaces', { body: { name: `s-${Math.random()}` } }));
  const block = await made(
    server.ask(`/v1/addressSpaces/${space.id}/blocks`, { body: { cidr: '10.0.0.0/8', nodeId: rack.id } }),
  );
  const held = await made(
    server.ask(`/v1/environments/${place.environment}/allocations`, {
      ...as(place.owner),
      body: { consumer: { service: 'past', kind: 'test', id: 'one' }, items: [{ what: 'node', nodeId: box.id }] },
      headers: { 'idempotency-key': `k-${Math.random()}` },
    }),
  );
  const then = await instant();
  const patch = { method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json', 'if-match': '*' } };
  await made(server.ask(`/v1/nodes/${box.id}`, { ...patch, body: { labels: { tier: 'gold' } } }), 200);
  await made(server.ask(`/v1/addressBlocks/${block.id}`, { ...patch, body: { status: 'reserved' } }), 200);
  await made(server.ask(`/v1/allocations/${held.id}`, { method: 'DELETE', ...as(place.owner) }), 200);
  const was = await server.ask(`/v1/nodes/${box.id}?asOf=${then}`);
  expect([was.status, was.body.labels, was.headers.get('etag')]).toEqual([200, {}, '"1"']);
  expect((await read(`/v1/nodes/${rack.id}/subtree?asOf=${then}`)).items.map((each: Json) => each.version)).toEqual([
    1, 1,
  ]);
  expect((await read(`/v1/nodes?parentId=${rack.id}&asOf=${then}`)).items).toMatchObject([{ id: box.id, labels: {} }]);
  expect(await read(`/v1/addressBlocks/${block.id}?asOf=${then}`)).toMatchObject({ status: 'active', version: 1 });
  expect((await read(`/v1/addressSpaces/${space.id}/blocks?asOf=${then}`)).items).toMatchObject([{ status: 'active' }]);
  const by = `/v1/allocations?nodeId=${box.id}&state=active&asOf=`;
  expect((await read(by + then, place.owner.token)).items).toMatchObject([
    { id: held.id, state: 'active', version: 1 },
  ]);
  expect((await read(by + (await instant()), place.owner.token)).items).toEqual([]);

  // What changed in the rack: the holder is told to who may read it alone.
  const changes = await read(`/v1/nodes/${rack.id}/changes?from=${then}`);
  expect(changes.items.map((each: Json) => [each.type, each.change])).toEqual([
    ['node', 'changed'],
    ['addressBlock', 'changed'],
  ]);
  const nodes = await read(`/v1/nodes/${rack.id}/changes?from=${then}&types=node&limit=1`);
  expect(nodes.items).toMatchObject([
    { id: box.id, changedFields: ['/labels'], before: { labels: {} }, after: { labels: { tier: 'gold' } } },
  ]);
});

test('an instant that is to come, lost or no time at all, and whoever may not read now, are refused as they are without one', async () => {
  const rack = await node('rack');
  const now = await instant();
  const soon = new Date(Date.now() + 60_000).toISOString();
  const at = `/v1/nodes/${rack.id}`;
  expect(await refused(`${at}?asOf=${soon}`)).toEqual([400, 'invalid-parameter', 'asOf']);
  expect(await refused(`/v1/allocations?asOf=${soon}`)).toEqual([400, 'invalid-parameter', 'asOf']);
  expect(await refused(`${at}?asOf=yesterday`)).toEqual([400, 'invalid-parameter', 'asOf']);
  expect((await refused(`${at}?asOf=1999-12-31T23:59:59Z`)).slice(0, 2)).toEqual([410, 'position-expired']);
  expect(await refused(`${at}/changes?from=${now}&to=${now}`)).toEqual([400, 'invalid-parameter', 'to']);
  expect(await refused(`${at}/changes`)).toEqual([400, 'invalid-parameter', 'from']);
  const unseen: [string, number][] = [
    [at, 403],
    [`${at}/changes`, 403],
    [`${at}/subtree`, 403],
    ['/v1/allocations/alc_01m8bzgg4vezzr1xr9v1d6gkb3', 404],
  ];
  for (const [path, status] of unseen) {
    const query = path.endsWith('changes') ? `from=${now}` : `asOf=${now}`;
    expect([path, (await server.ask(`${path}?${query}`, as(place.owner))).status]).toEqual([path, status]);
  }
});

test('POST /environments/{env}/allocations/earliest: when a request fits, which nobody asks who may not take', async () => {
  const { id: hostId } = await made(server.ask('/v1/nodes', { body: { kind: 'cluster', tenantId: place.tenant } }));
  await made(
    server.ask(`/v1/nodes/${hostId}/capacities`, {
      body: { class: 'vcpu', total: 4, maxUnit: 4 },
      headers: { 'if-match': '*' },
    }),
  );
  const at = (minutes: number) => new Date(Math.ceil(Date.now() / 60_000) * 60_000 + minutes * 60_000).toISOString();
  const items = [{ what: 'capacity', nodeId: hostId, class: 'vcpu', amount: 3 }];
  const ask = (token: string, body: object) =>
    server.ask(`/v1/environments/${place.environment}/allocations/earliest`, { token, body });
  await made(
    server.ask(`/v1/environments/${place.environment}/allocations`, {
      ...as(place.owner),
      body: { consumer: { service: 'past', kind: 'test', id: 'two' }, items, endsAt: at(5) },
      headers: { 'idempotency-key': `k-${Math.random()}` },
    }),
  );
  expect((await ask(place.owner.token, { items, endsAt: at(3) })).body).toMatchObject({
    startsAt: at(5),
    asAsked: false,
  });
  const none = await ask(place.owner.token, { items: [{ ...items[0], amount: 5 }] });
  expect([none.status, none.body.code]).toEqual([422, 'amount-not-allowed']);
  const stranger = await server.people.token('past-stranger');
  expect((await ask(stranger, { items })).status).toBe(404);
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { any, as, grant, house, made, person, userSubject, type House } from './cast.js';
import { startServer, type Json, type TestServer } from './start-server.js';

let server: TestServer;
let a: House;
let b: House;
const nodes: Record<string, string> = {};
beforeAll(async () => {
  server = await startServer();
  [a, b] = [await house(server, 'acme'), await house(server, 'bolt')];
  const node = async (tenantId?: string): Promise<string> =>
    (await made(server.ask('/v1/nodes', { body: { kind: 'server', tenantId, attributes: { cpus: 2 } } }))).id;
  Object.assign(nodes, { a: await node(a.tenant), b: await node(b.tenant), nobody: await node() });
});
afterAll(() => server.stop());

const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1_000).toISOString();
const report = (sightings: readonly object[], more: Parameters<TestServer['ask']>[1] = {}) =>
  server.ask('/v1/observations', { body: { source: 'redfish-scan', sightings }, ...more });
const drifting = (second: number) =>
  Object.values(nodes).map((nodeId) => ({ nodeId, observedAt: at(second), generation: 1, attributes: { cpus: 1 } }));
const found = async (who: { token: string }, query = '') =>
  (await made(server.ask(`/v1/findings${query}`, as(who)), 200)).items as Json[];

test('a report is repeated without a second effect, and what it says wrong is named', async () => {
  const { items } = await made(report(drifting(0)), 200);
  expect(items.map((it: Json) => [it.outcome, it.finding.state])).toEqual(drifting(0).map(() => ['taken', 'suspect']));
  const again = await made(report(drifting(0)), 200);
  expect(again.items.map((it: Json) => it.outcome)).toEqual(drifting(0).map(() => 'stale'));
  const late = (await made(report(drifting(60)), 200)).items;
  expect(late.map((it: Json) => it.finding.state)).toEqual(drifting(0).map(() => 'open'));
  const [fine] = drifting(120);
  const wrong: readonly (readonly [unknown, string])[] = [
    [{ ...fine, nodeId: undefined }, '/sightings/0'],
    [{ ...fine, externalId: 'x' }, '/sightings/0'],
    [{ ...fine, observedAt: 'yesterday' }, '/sightings/0/observedAt'],
    [{ ...fine, observedAt: '2999-01-01T00:00:00Z' }, '/sightings/0/observedAt'],
    [{ ...fine, generation: -1 }, '/sightings/0/generation'],
    [{ ...fine, state: 'melted' }, '/sightings/0/state'],
    [{ ...fine, attributes: { big: 'x'.repeat(20_000) } }, '/sightings/0/attributes'],
    [{ ...fine, nodeId: a.tenant }, '/sightings/0/nodeId'],
    [{ ...fine, colour: 'red' }, '/sightings/0/colour'],
  ];
  for (const [sighting, pointer] of wrong) {
    const { status, body } = await report([sighting as object]);
    expect([status, body.code, body.errors?.[0].pointer]).toEqual([422, 'validation-failed', pointer]);
  }
  for (const sightings of [
    [],
    [fine, fine],
    Array.from({ length: 501 }, (_, n) => ({ ...fine, nodeId: undefined, externalId: `${n}` })),
  ])
    expect((await report(sightings as object[])).body.code).toBe('validation-failed');
  const seen = await server.ask(`/v1/observations?nodeId=${nodes['a']}`);
  expect(seen.body.items).toMatchObject([{ source: 'redfish-scan', observedAt: at(60), attributes: { cpus: 1 } }]);
  const node = await server.ask(`/v1/nodes/${nodes['a']}`);
  expect([node.body.observedAt, node.body.version]).toEqual([at(60), 1]);
});

test('operators see all findings, a tenant those of what is its own and decides on none', async () => {
  const reader = await person(server, 'reader-of-acme');
  await grant(server, a, { to: reader, role: 'viewer' });
  const operator = await person(server, 'watcher');
  await made(
    server.ask('/v1/platform/roleBindings', { body: { subject: userSubject(operator), role: 'platform-viewer' } }),
  );
  const of = (items: Json[]) => items.map((it): string => it.nodeId).toSorted();
  expect(of(await found(operator))).toEqual(Object.values(nodes).toSorted());
  expect(of(await found(a.owner))).toEqual([nodes['a']]);
  expect(of(await found(reader, '?kind=drift&state=open'))).toEqual([nodes['a']]);
  expect(await found(reader, `?nodeId=${nodes['b']}`)).toEqual([]);
  expect(await found(await person(server, 'stranger'))).toEqual([]);

  const [own] = await found(a.owner);
  const [foreign] = await found(b.owner);
  expect((await server.ask(`/v1/findings/${own!['id']}`, as(reader))).headers.get('etag')).toBe(`"${own!['version']}"`);
  expect((await server.ask(`/v1/findings/${foreign!['id']}`, as(a.owner))).status).toBe(404);
  const body = { note: 'known' };
  for (const [who, id, status] of [
    [a.owner, own!['id'], 403],
    [a.owner, foreign!['id'], 404],
    [operator, own!['id'], 403],
  ] as const)
    expect((await server.ask(`/v1/findings/${id}/accept`, { ...as(who), headers: any, body })).status).toBe(status);
  expect((await report(drifting(180), as(a.owner))).status).toBe(403);
});

test('a decision wants the version and a word of why, and is told to whom it is about', async () => {
  const [own] = await found(a.owner);
  const path = `/v1/findings/${own!['id']}`;
  const decide = (action: string, more: object) =>
    server.ask(`${path}/${action}`, { body: { note: 'known' }, ...more });
  expect((await decide('accept', {})).status).toBe(428);
  expect((await decide('accept', { headers: { 'if-match': '"9"' } })).status).toBe(412);
  expect((await decide('accept', { headers: any, body: {} })).status).toBe(422);
  const repairing = await decide('repair', { headers: { 'if-match': `"${own!['version']}"` } });
  expect([repairing.status, repairing.body.state]).toEqual([200, 'repairing']);
  expect((await decide('repair', { headers: any })).body).toMatchObject({ code: 'state-conflict', state: 'repairing' });
  const accepted = await decide('accept', { headers: any });
  expect(accepted.body).toMatchObject({ state: 'accepted', note: 'known', decidedBy: { type: 'user' } });
  expect((await decide('resolve', { headers: any })).body.resolution).toBe('decided');

  const told = async (place: House): Promise<string[]> => {
    const { items } = await made(server.ask(`/v1/events?scope=${place.tenant}&limit=500`, as(place.owner)), 200);
    return (items as Json[])
      .filter((it) => it.subject.startsWith('inventory.finding'))
      .map((it) => it.type.split('.')[4]);
  };
  await expect
    .poll(() => told(a), { timeout: 20_000 })
    .toEqual(['suspected', 'opened', 'undertaken', 'accepted', 'resolved']);
  expect(await told(b)).toEqual(['suspected', 'opened']);
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { any, as, house, made, numbers, person, service, userSubject, type House, type Person } from './cast.js';
import { startServer, type Ask, type TestServer } from './start-server.js';

let server: TestServer;
let place: House;
let domainId: string;
/** Two replicas: what one has taken back, the other must refuse too. */
let replicas: readonly Ask[];
beforeAll(async () => {
  server = await startServer();
  const other = await server.replica();
  replicas = [server.ask, other.ask];
  place = await house(server, 'acme');
  domainId = await numbers(server, 'ends');
});
afterAll(() => server.stop());

let keys = 0;
const take = (ask: Ask, who: { token: string }) => {
  keys += 1;
  return ask(`/v1/environments/${place.environment}/allocations`, {
    ...as(who),
    headers: { 'idempotency-key': `ends-${keys}` },
    body: { consumer: { service: 's', kind: 'k', id: `${keys}` }, items: [{ what: 'number', domainId }] },
  });
};
const read = (ask: Ask, who: { token: string }) => ask(`/v1/environments/${place.environment}`, as(who));
const both = async (each: (ask: Ask) => Promise<{ status: number }>) =>
  (await Promise.all(replicas.map(each))).map(({ status }) => status);

/** Reads of a request that begins five seconds after the answer: the bound that the API promises. */
const fiveSeconds = () => new Promise((resolve) => setTimeout(resolve, 5_000));

const bind = (who: Person, more: object = {}) =>
  made(
    server.ask(`/v1/tenants/${place.tenant}/roleBindings`, {
      ...as(place.owner),
      body: { subject: userSubject(who), role: 'allocator', ...more },
    }),
  );
const end = (at: string, method = 'DELETE') => made(server.ask(at, { ...as(place.owner), method, headers: any }), 200);

describe('on every replica', () => {
  test('a binding that was taken back ends changes at once and reads within five seconds', async () => {
    const worker = await person(server, 'worker');
    const { id } = await bind(worker);
    expect([await both((ask) => take(ask, worker)), await both((ask) => read(ask, worker))]).toEqual([
      [201, 201],
      [200, 200],
    ]);
    await end(`/v1/roleBindings/${id}`);
    expect(await both((ask) => take(ask, worker))).toEqual([404, 404]);
    await fiveSeconds();
    expect(await both((ask) => read(ask, worker))).toEqual([404, 404]);
  });

  test('a token that was revoked ends changes at once and reads within five seconds, and so does its account', async () => {
    const [robot, helper] = [
      await service(server, place, { name: 'robot', role: 'allocator' }),
      await service(server, place, { name: 'helper', role: 'allocator' }),
    ];
    for (const each of [robot, helper]) {
      expect(await both((ask) => take(ask, each))).toEqual([201, 201]);
      expect(await both((ask) => read(ask, each))).toEqual([200, 200]);
    }
    await end(`/v1/tokens/${robot.tokenId}`);
    await end(`/v1/serviceAccounts/${helper.account}`);
    for (const each of [robot, helper]) expect(await both((ask) => take(ask, each))).toEqual([401, 401]);
    await fiveSeconds();
    for (const each of [robot, helper]) expect(await both((ask) => read(ask, each))).toEqual([401, 401]);
  });

  test('a user who was disabled is refused in the same way', async () => {
    const worker = await person(server, 'leaver');
    await bind(worker);
    expect(await both((ask) => take(ask, worker))).toEqual([201, 201]);
    expect(await both((ask) => read(ask, worker))).toEqual([200, 200]);
    await made(server.ask(`/v1/users/${worker.id}/disable`, { method: 'POST', headers: any }), 200);
    expect(await both((ask) => take(ask, worker))).toEqual([401, 401]);
    await fiveSeconds();
    expect(await both((ask) => read(ask, worker))).toEqual([401, 401]);
  });

  test('a binding and a token that end by themselves are over at that moment, for reads too', async () => {
    const worker = await person(server, 'temp');
    const robot = await service(server, place, { name: 'temp', role: 'allocator' });
    const expiresAt = new Date(Date.now() + 4_000).toISOString();
    await bind(worker, { expiresAt });
    const minted = await made(
      server.ask(`/v1/serviceAccounts/${robot.account}/tokens`, {
        ...as(place.owner),
        body: { name: 'short', expiresAt },
        headers: { 'idempotency-key': 'short' },
      }),
    );
    const short = { token: minted.secret };
    const asked = async () => [
      await both((ask) => read(ask, worker)),
      await both((ask) => read(ask, short)),
      await both((ask) => take(ask, worker)),
      await both((ask) => take(ask, short)),
    ];
    const before = await asked();
    // A machine that took four seconds for this has shown nothing of what was before the end.
    if (Date.now() < Date.parse(expiresAt)) expect(before.flat().every((status) => status < 300)).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, Date.parse(expiresAt) + 50 - Date.now())));
    expect(await asked()).toEqual([
      [404, 404],
      [401, 401],
      [404, 404],
      [401, 401],
    ]);
  });
});

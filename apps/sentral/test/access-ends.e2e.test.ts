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

/** Four who may allocate, and how each of them is shut out; all of it is done on the first replica. */
async function four(name: string) {
  const [worker, leaver] = [await person(server, `worker-${name}`), await person(server, `leaver-${name}`)];
  const binding = await bind(worker);
  await bind(leaver);
  const robot = await service(server, place, { name: `robot-${name}`, role: 'allocator' });
  const helper = await service(server, place, { name: `helper-${name}`, role: 'allocator' });
  return [
    { who: worker, shutOut: () => end(`/v1/roleBindings/${binding.id}`), refused: 404 },
    { who: robot, shutOut: () => end(`/v1/tokens/${robot.tokenId}`), refused: 401 },
    { who: helper, shutOut: () => end(`/v1/serviceAccounts/${helper.account}`), refused: 401 },
    {
      who: leaver,
      shutOut: () => made(server.ask(`/v1/users/${leaver.id}/disable`, { method: 'POST', headers: any }), 200),
      refused: 401,
    },
  ];
}

describe('who loses a binding, a token, an account or its place as a user', () => {
  test('changes nothing from that moment on, on any replica', async () => {
    for (const { who, shutOut, refused } of await four('at-once')) {
      expect(await both((ask) => take(ask, who))).toEqual([201, 201]);
      await shutOut();
      expect(await both((ask) => take(ask, who))).toEqual([refused, refused]);
    }
  });

  test('reads nothing after five seconds, on a replica that nobody has asked for a change since', async () => {
    const [, there] = replicas as [Ask, Ask];
    const people = await four('reads');
    // Grants are read anew for a change, and every read after it finds them remembered.
    for (const { who } of people) expect((await take(there, who)).status).toBe(201);
    for (const { who } of people) expect((await read(there, who)).status).toBe(200);
    for (const { shutOut } of people) await shutOut();
    await fiveSeconds();
    const statuses = await Promise.all(people.map(async ({ who }) => (await read(there, who)).status));
    expect(statuses).toEqual(people.map(({ refused }) => refused));
  });
});

describe('on the replica that made the change', () => {
  test('what was granted or taken a moment ago is so for the next read, ten times of ten', async () => {
    const reader = await person(server, 'reader');
    const seen: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      seen.push((await read(server.ask, reader)).status);
      const binding = await bind(reader);
      seen.push((await read(server.ask, reader)).status);
      await end(`/v1/roleBindings/${binding.id}`);
    }
    expect(seen).toEqual(Array.from({ length: 10 }, () => [404, 200]).flat());
  });
});

describe('on every replica', () => {
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

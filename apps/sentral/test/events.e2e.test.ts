import { publicEvents } from '@sentral/contracts/public-events';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readPermissionOfEvent } from '../src/routes/events.js';
import { any, as, grant, house, made, person, type House, type Person } from './cast.js';
import { startServer, type Json, type TestServer } from './start-server.js';

let server: TestServer;
let shop: House;
let other: House;
let viewer: Person;

beforeAll(async () => {
  server = await startServer();
  [shop, other] = [await house(server, 'shop'), await house(server, 'other')];
  viewer = await person(server, 'viewer');
  await grant(server, shop, { to: viewer, role: 'viewer' });
  // A stream begins with what comes next: all of this is on record before one does.
  const granted = `/v1/auditRecords?resourceType=tenancy.roleBinding&actorId=${shop.owner.id}`;
  await vi.waitFor(async () => expect((await server.ask(granted, as(shop.owner))).body.items).toHaveLength(1), settled);
});
afterAll(() => server.stop());

const settled = { timeout: 20_000, interval: 100 };

interface Stream {
  readonly status: number;
  readonly text: () => string;
  readonly events: () => Json[];
  readonly ids: () => string[];
  readonly ended: Promise<void>;
  stop(): void;
}

async function listen(who: { token: string }, query: string, headers: Record<string, string> = {}): Promise<Stream> {
  const controller = new AbortController();
  const answer = await fetch(`${server.url}/v1/events?${query}`, {
    headers: { authorization: `Bearer ${who.token}`, accept: 'text/event-stream', ...headers },
    signal: controller.signal,
  });
  let text = '';
  const read = async () => {
    for await (const chunk of answer.body ?? []) text += Buffer.from(chunk as Uint8Array).toString();
  };
  return {
    status: answer.status,
    text: () => text,
    events: () => text.split('\n').flatMap((line) => (line.startsWith('data: ') ? [JSON.parse(line.slice(6))] : [])),
    ids: () => [...text.matchAll(/^id: (\S+)$/gm)].map(([, id]) => id ?? ''),
    ended: read().catch(() => undefined),
    stop: () => controller.abort(),
  };
}

const inShop = () => `scope=${shop.tenant}`;
const types = (stream: Stream) => stream.events().map(({ type }) => type.replace('dev.dataverket.', ''));
const rename = (displayName: string) =>
  made(
    server.ask(`/v1/projects/${shop.project}`, {
      ...as(shop.owner),
      method: 'PATCH',
      body: { displayName },
      headers: any,
    }),
    200,
  );

test('what happens comes as it happens, to each as far as it may read the thing, and goes on after the last one seen', async () => {
  const [owners, viewers] = [await listen(shop.owner, inShop()), await listen(viewer, inShop())];
  expect([owners.status, viewers.status]).toEqual([200, 200]);
  await expect.poll(() => owners.ids().length + viewers.ids().length, settled).toBeGreaterThanOrEqual(2);
  const account = await made(
    server.ask(`/v1/tenants/${shop.tenant}/serviceAccounts`, { ...as(shop.owner), body: { name: 'ci' } }),
  );
  await made(
    server.ask(`/v1/serviceAccounts/${account.id}/tokens`, {
      ...as(shop.owner),
      body: { name: 'first' },
      headers: { 'idempotency-key': 'first' },
    }),
  );
  await made(
    server.ask(`/v1/projects/${other.project}`, {
      ...as(other.owner),
      method: 'PATCH',
      body: { displayName: 'O' },
      headers: any,
    }),
    200,
  );
  await rename('Once');
  await expect.poll(() => types(owners).length, settled).toBe(3);
  expect(types(owners)).toEqual([
    'tenancy.serviceAccount.created.v1',
    'tenancy.token.created.v1',
    'tenancy.scope.changed.v1',
  ]);
  await expect.poll(() => types(viewers).at(-1), settled).toBe('tenancy.scope.changed.v1');
  expect(types(viewers)).not.toContain('tenancy.token.created.v1');
  expect(owners.text()).toMatch(/^retry: 2000\n/);
  expect(owners.text() + viewers.text()).not.toMatch(/snt_/);
  const seqs = owners.ids().map((id) => Number(id.split(':')[1]));
  expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  const [last] = owners.events().slice(-1);
  expect(last).toMatchObject({
    specversion: '1.0',
    subject: `tenancy.project/${shop.project}`,
    tenantid: shop.tenant,
    data: { id: shop.project },
  });
  const seen = owners.ids().at(-1) ?? '';
  owners.stop();
  viewers.stop();
  await rename('Twice');
  const resumed = await listen(shop.owner, inShop(), { 'last-event-id': seen });
  await expect.poll(() => types(resumed).length, settled).toBe(1);
  expect(Number(resumed.ids().at(-1)?.split(':')[1])).toBeGreaterThan(Number(seen.split(':')[1]));
  resumed.stop();
});

test('pages say the same from the first one on, of a smaller scope less', async () => {
  const page = async (query: string, who = shop.owner): Promise<Json[]> => {
    const found: Json[] = [];
    for (let cursor = ''; ;) {
      const { body } = await server.ask(
        `/v1/events?${query}&limit=5${cursor === '' ? '' : `&cursor=${cursor}`}`,
        as(who),
      );
      found.push(...body.items);
      if (body.nextCursor === undefined) return found;
      cursor = body.nextCursor;
    }
  };
  const all = await page(inShop());
  expect(all[0].type).toBe('dev.dataverket.tenancy.scope.created.v1');
  const chosen = await page(`scope=${shop.project}&types=tenancy.scope.changed`);
  expect(chosen.length).toBeGreaterThanOrEqual(2);
  expect(new Set(chosen.map(({ projectid }) => projectid))).toEqual(new Set([shop.project]));
  expect(all.every(({ tenantid }) => tenantid === shop.tenant)).toBe(true);
});

test('what cannot be resumed, or is asked too often or by a stranger, is refused', async () => {
  const ask = (lastEventId: string) =>
    server.ask(`/v1/events?${inShop()}`, {
      ...as(shop.owner),
      headers: { accept: 'text/event-stream', 'last-event-id': lastEventId },
    });
  expect((await ask('nonsense')).body).toMatchObject({ code: 'invalid-parameter', parameter: 'Last-Event-ID' });
  const [log] = (await server.ask('/v1/auditLogs', as(shop.owner))).body.items;
  expect((await ask(`${log.id}:999999`)).body).toMatchObject({ code: 'position-expired', oldest: 0 });
  expect((await ask(`log_01jz0000000000000000000000:0`)).body).toMatchObject({ code: 'invalid-parameter' });
  const stranger = await person(server, 'stranger');
  expect((await server.ask(`/v1/events?${inShop()}`, as(stranger))).status).toBe(404);
  const streams = [];
  for (let n = 0; n < 5; n += 1) streams.push(await listen(viewer, inShop()));
  const sixth = await listen(viewer, inShop());
  expect([...streams.map(({ status }) => status), sixth.status]).toEqual([200, 200, 200, 200, 200, 429]);
  streams[0]?.stop();
  await expect
    .poll(async () => {
      const again = await listen(viewer, inShop());
      streams.push(again);
      return again.status;
    }, settled)
    .toBe(200);
  for (const stream of streams) stream.stop();
});

test('every public event is of a thing that somebody can be asked about', () => {
  const unasked = publicEvents.flatMap((def) =>
    Object.keys(def.events).filter(
      (name) => readPermissionOfEvent({ type: `dev.dataverket.${def.context}.${name}.v1` } as never) === undefined,
    ),
  );
  expect(unasked).toEqual([]);
});

test('a process that stops ends its streams in time', async () => {
  const stream = await listen(shop.owner, inShop());
  expect(stream.status).toBe(200);
  const began = performance.now();
  await server.stop();
  await stream.ended;
  expect(performance.now() - began).toBeLessThan(10_000);
});

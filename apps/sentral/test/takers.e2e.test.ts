import { defaultEnvironmentId } from '@sentral/contracts/tenancy';
import { openDatabase } from '@sentral/kernel/database';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { house, made as madeBy, type House } from './cast.js';
import { startServer, type Answer, type Json, type TestServer } from './start-server.js';

let server: TestServer;
let houses: readonly House[];
beforeAll(async () => {
  server = await startServer();
  houses = await Promise.all(['takers-a', 'takers-b', 'takers-c'].map((name) => house(server, name)));
});
afterAll(() => server.stop());

let sent = 0;
const made = (at: string, body: object): Promise<Json> => madeBy(server.ask(at, { body }));
async function host(total: number) {
  const { id } = await made('/v1/nodes', { kind: 'cluster', name: `taken-${(sent += 1)}` });
  await made(`/v1/nodes/${id}/capacities`, { class: 'vcpu', total });
  const used = async () => (await server.ask(`/v1/nodes/${id}/capacities/vcpu`)).body.used as number;
  return { id, used, vcpu: (amount = 1) => ({ what: 'capacity', nodeId: id, class: 'vcpu', amount }) };
}
interface Wish {
  readonly at?: House | undefined;
  readonly key?: string;
  readonly consumer?: string;
  readonly more?: object;
}
const allocate = (items: readonly object[], { at, key, consumer, more = {} }: Wish = {}) =>
  server.ask(`/v1/environments/${at?.environment ?? defaultEnvironmentId}/allocations`, {
    body: { consumer: { service: 'e2e', kind: 'taker', id: consumer ?? `taker-${(sent += 1)}` }, items, ...more },
    headers: { 'idempotency-key': key ?? `taker-${(sent += 1)}` },
    ...(at === undefined ? {} : { token: at.owner.token }),
  });
const together = <T>(count: number, work: (at: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, at) => work(at)));
const tally = (answers: readonly Answer<Json>[]) => {
  const codes = answers.map(({ status, body }) => (status < 300 ? 'ok' : `${status} ${body.code}`));
  return Object.fromEntries(
    [...new Set(codes)].toSorted().map((code) => [code, codes.filter((each) => each === code).length]),
  );
};

test('24 clients of three tenants take X and Y, half of them naming Y first: as many have both as there is, and nobody fails', async () => {
  const [x, y] = [await host(16), await host(20)];
  const answers = await together(24, (at) =>
    allocate(at % 2 === 0 ? [x.vcpu(), y.vcpu()] : [y.vcpu(), x.vcpu()], { at: houses[at % houses.length] }),
  );
  expect(tally(answers)).toEqual({ ok: 16, '409 capacity-exhausted': 8 });
  expect([await x.used(), await y.used()]).toEqual([16, 16]);
  // What cannot share a transaction with others, since it is no amount, is taken in the same order.
  const domainId = (await made('/v1/numberDomains', { name: `taken-${(sent += 1)}`, kind: 'vlan' })).id;
  await made(`/v1/numberDomains/${domainId}/ranges`, { start: 100, end: 103 });
  const number = { what: 'number', domainId };
  const mixed = await together(12, (at) =>
    allocate(at % 2 === 0 ? [number, y.vcpu()] : [y.vcpu(), number], { at: houses[at % houses.length] }),
  );
  expect([tally(mixed), await y.used()]).toEqual([{ ok: 4, '409 capacity-exhausted': 8 }, 20]);
});

test('eight identical requests with one key take once, also where they wait in line with others for the same thing', async () => {
  const it = await host(100);
  const same = () => allocate([it.vcpu(3)], { key: 'same', consumer: 'same' });
  const answers = await together(32, (at) => (at % 4 === 0 ? same() : allocate([it.vcpu()])));
  const others = answers.filter((_, at) => at % 4 !== 0);
  const eight = answers.filter((_, at) => at % 4 === 0);
  expect(tally(others)).toEqual({ ok: 24 });
  expect(Object.keys(tally(eight)).filter((code) => !['ok', '409 idempotency-in-progress'].includes(code))).toEqual([]);
  const again = await same();
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  const ids = eight.filter(({ status }) => status === 201).map(({ body }) => body.id);
  expect([...new Set([...ids, again.body.id])]).toHaveLength(1);
  expect(await it.used()).toBe(27);
});

test('what one of many violates harms none that were judged with it', async () => {
  const it = await host(100);
  const db = openDatabase({ url: server.adminUrl, applicationName: 'takers', poolSize: 1 });
  const rule = 'inventory.allocation add constraint no_poison check (consumer_id <> $$poison$$) not valid';
  await db.unsafe(`alter table ${rule}`);
  const answers = await together(24, (at) => allocate([it.vcpu()], at === 7 ? { consumer: 'poison' } : {}));
  await db.unsafe('alter table inventory.allocation drop constraint no_poison');
  await db.close();
  expect(tally(answers)).toEqual({ ok: 23, '500 internal': 1 });
  expect(answers[7]?.status).toBe(500);
  expect(await it.used()).toBe(23);
});

test('a hold that has just run out is in nobody’s way, whether a sweeper has come by or not', async () => {
  const it = await host(4);
  const domainId = (await made('/v1/numberDomains', { name: `held-${(sent += 1)}`, kind: 'vlan', coolDownSeconds: 0 }))
    .id;
  await made(`/v1/numberDomains/${domainId}/ranges`, { start: 7, end: 7 });
  const all = [it.vcpu(4), { what: 'number', domainId }];
  const held = await allocate(all, { more: { ttlSeconds: 1 } });
  expect(held.body.state).toBe('held');
  await new Promise((resolve) => setTimeout(resolve, Date.parse(held.body.expiresAt) - Date.now() + 50));
  expect(tally(await together(4, () => allocate(all)))).toEqual({ ok: 1, '409 capacity-exhausted': 3 });
  expect((await server.ask(`/v1/allocations/${held.body.id}`)).body.state).toBe('expired');
});

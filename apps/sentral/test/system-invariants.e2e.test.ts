import { openDatabase, type Database } from '@sentral/kernel/database';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { any, as, behind, house, made, type House } from './cast.js';
import { startServer, type Json, type TestServer } from './start-server.js';

let server: TestServer;
let shop: House;
let admin: Database;
beforeAll(async () => {
  server = await startServer();
  admin = openDatabase({ url: server.adminUrl, applicationName: 'sentral-e2e', poolSize: 2 });
  shop = await house(server, 'shop');
});
afterAll(async () => {
  await admin.close();
  await server.stop();
});

const waiting = { timeout: 20_000, interval: 200 };
const invariants = () => made(server.ask('/v1/system/invariants'), 200);
const broken = ({ contexts }: Json): Json[] =>
  contexts.flatMap((of: Json) => of.invariants.filter((each: Json) => each.violations > 0 || each.unknown));

describe('what must always hold', () => {
  test('is looked up in every context, holds, and is for operators alone', async () => {
    const found = await invariants();
    expect([found.holds, broken(found)]).toEqual([true, []]);
    expect(found.contexts.map(({ context, status }: Json) => `${context} ${status}`)).toEqual([
      'tenancy ok',
      'inventory ok',
      'task ok',
      'audit ok',
    ]);
    const names = found.contexts.flatMap((of: Json) => of.invariants.map(({ name }: Json) => name));
    expect(names).toEqual(
      expect.arrayContaining([
        'inventory.capacity.countersAreTheLedger',
        'inventory.quota.countersAreTheLedger',
        'inventory.allocation.holdsEnd',
        'inventory.node.reachable',
        'audit.record.contiguous',
        'audit.log.dense',
        'task.task.ended_is_over',
      ]),
    );
    for (const path of ['/v1/system/invariants', '/v1/system/diagnostics'])
      expect([path, (await server.ask(path, as(shop.owner))).status]).toEqual([path, 403]);
  });

  test('and is broken behind everybody’s back, is told by name and example', async () => {
    const node = await made(server.ask('/v1/nodes', { body: { kind: 'server', name: 's-1' } }));
    await made(server.ask(`/v1/nodes/${node.id}/capacities`, { body: { class: 'vcpu', total: 8 } }));
    await behind(server, 'update inventory.capacity set used = used + 1 where class = $1', ['vcpu']);
    const told = async () => broken(await invariants()).map(({ name, violations, examples }) => [name, violations, examples]); // prettier-ignore
    const [row] = await admin.unsafe(
      `select node_id || ' vcpu' as example from inventory.capacity where class = 'vcpu'`,
    );
    await expect.poll(told, waiting).toEqual([['inventory.capacity.countersAreTheLedger', 1, [row?.['example']]]]);
    expect((await invariants()).holds).toBe(false);
    await behind(server, 'update inventory.capacity set used = used - 1 where class = $1', ['vcpu']);
  });
});

test('how the process is: its parts, its connections, its feeds, and what runs', async () => {
  const found = await made(server.ask('/v1/system/diagnostics'), 200);
  expect(found).toMatchObject({
    version: expect.stringMatching(/^\d/),
    mode: 'development',
    readiness: { status: 'ready' },
    contexts: ['tenancy', 'inventory', 'task', 'audit'],
    bus: { connected: true },
  });
  expect(found.pools.map(({ context, role }: Json) => `${context} ${role}`)).toContain('inventory read');
  expect(found.feeds.map(({ context }: Json) => context)).toEqual(found.contexts);
  for (const feed of found.feeds)
    expect(feed).toMatchObject({ unnumbered: expect.any(Number), unpublished: expect.any(Number), unrecorded: expect.any(Number) }); // prettier-ignore
});

describe('while the roles of audit cannot reach its database and the mailbox loses what it acknowledged', () => {
  const auditRoles = ['audit_app', 'audit_read', 'audit_platform'];
  const database = () => new URL(server.adminUrl).pathname.slice(1);
  const facts = async () =>
    Number((await admin.unsafe(`select count(*)::int as n from inventory.feed where audit is not null`))[0]?.['n']);
  const recorded = async () =>
    Number((await admin.unsafe(`select count(*)::int as n from audit.record where resource_type like 'inventory.%' and class = 'change'`))[0]?.['n']); // prettier-ignore

  test('it stays ready and says so, changes and refusals go on, and when they can, every change has its record', async () => {
    await admin.unsafe(`revoke connect on database ${database()} from public`);
    for (const role of ['tenancy', 'inventory', 'task'].flatMap((of) => [`${of}_app`, `${of}_read`, `${of}_platform`]))
      await admin.unsafe(`grant connect on database ${database()} to ${role}`);
    await admin.unsafe(`grant connect on database ${database()} to bus_app`);
    await admin.unsafe(`select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and usename = any($2)`, [database(), auditRoles]); // prettier-ignore

    for (let at = 0; at < 10; at += 1) {
      const site = await made(server.ask('/v1/nodes', { body: { kind: 'site', name: `away-${at}` } }));
      await made(
        server.ask(`/v1/nodes/${site.id}`, { method: 'PATCH', body: { labels: { a: 'b' } }, headers: any }),
        200,
      );
    }
    expect((await server.ask('/v1/nodes', { ...as(shop.owner), body: { kind: 'site', name: 'x' } })).status).toBe(403);
    const ready = await server.ask('/readyz', { token: null });
    expect([ready.status, ready.body.status]).toEqual([200, 'ready']);
    const parts = Object.fromEntries(ready.body.parts.map(({ name, status }: Json) => [name, status]));
    expect(parts).toMatchObject({
      'database audit': 'degraded',
      'database inventory': 'ok',
      'audit of inventory': 'degraded',
    });
    const found = await invariants();
    expect(
      found.contexts.find(({ context }: Json) => context === 'audit').status === 'unavailable' || !found.holds,
    ).toBe(true);
    const before = await facts();
    await expect.poll(async () => Number((await admin.unsafe(`select position::int as n from inventory.lease where name = 'feed.publish'`))[0]?.['n']), waiting).toBeGreaterThanOrEqual(before); // prettier-ignore
    await admin.unsafe('delete from bus.mailbox');
    expect(await recorded()).toBeLessThan(before);

    await admin.unsafe(`grant connect on database ${database()} to public`);
    await expect.poll(recorded, waiting).toBe(before);
    // What could not be told of while it was away stays told of until a refusal can be again.
    expect((await server.ask('/v1/traits', { ...as(shop.owner), body: { key: 'x', title: 'x' } })).status).toBe(403);
    expect(await facts()).toBe(before);
    await expect.poll(async () => (await server.ask('/readyz', { token: null })).body.parts.filter(({ status }: Json) => status !== 'ok'), waiting).toEqual([]); // prettier-ignore
    await expect.poll(async () => (await invariants()).holds, waiting).toBe(true);
  });
});

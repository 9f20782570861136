import { tenancyEvents } from '@sentral/contracts/tenancy-events';
import { openDatabase } from '@sentral/kernel/database';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allocate, any, as, grant, house, type House, made, numbers, person } from './cast.js';
import { eventually } from './patience.js';
import { startServer, type Json, type TestServer } from './start-server.js';

let server: TestServer;
let place: House;
beforeAll(async () => {
  server = await startServer();
  place = await house(server, 'acme');
});
afterAll(() => server.stop());

describe('limits and policies', () => {
  test('a quota of the platform binds the tenant, which cannot move it, and a limit below use stops growth only', async () => {
    const other = await house(server, 'limited');
    const domainId = await numbers(server, 'limited');
    for (let n = 0; n < 3; n += 1)
      expect((await allocate(server, other.environment, { domainId, token: other.owner.token })).status).toBe(201);
    const limit = await made(
      server.ask(`/v1/tenants/${other.tenant}/quotas`, { body: { dimension: 'inventory.number', limit: 2 } }),
    );
    const over = await allocate(server, other.environment, { domainId, token: other.owner.token });
    expect(over.body).toMatchObject({
      code: 'quota-exceeded',
      dimension: 'inventory.number',
      limit: 2,
      used: 3,
      requested: 1,
      scope: other.tenant,
    });
    const shown = await server.ask(`/v1/tenants/${other.tenant}/quotas`, as(other.owner));
    expect(shown.body.use).toContainEqual({
      scopeId: other.tenant,
      dimension: 'inventory.number',
      used: 3,
      limit: 2,
      overBy: 1,
    });
    expect(shown.body.children).toContainEqual({
      scopeId: other.project,
      dimension: 'inventory.number',
      used: 3,
      overBy: 0,
    });
    const raise = await server.ask(`/v1/quotas/${limit.id}`, {
      ...as(other.owner),
      method: 'PATCH',
      body: { limit: 100 },
      headers: any,
    });
    expect([raise.status, raise.body.missingPermission]).toEqual([403, 'tenancy.quota.update']);
    await made(server.ask(`/v1/quotas/${limit.id}`, { method: 'PATCH', body: { limit: 4 }, headers: any }), 200);
    expect((await allocate(server, other.environment, { domainId, token: other.owner.token })).status).toBe(201);
    await made(
      server.ask(`/v1/projects/${other.project}/quotas`, {
        ...as(other.owner),
        body: { dimension: 'tenancy.environments', limit: 1 },
      }),
    );
    const child = await server.ask(`/v1/projects/${other.project}/environments`, {
      ...as(other.owner),
      body: { name: 'second', class: 'development' },
    });
    expect(child.body).toMatchObject({
      code: 'quota-exceeded',
      dimension: 'tenancy.environments',
      scope: other.project,
    });
  });

  test('no bound is a value too: it is bound, shown and in effect as null', async () => {
    const other = await house(server, 'unbound');
    const binding = { key: 'tenancy.environmentClasses', value: null };
    const put = { ...as(other.owner), method: 'PUT', body: { bindings: [binding] }, headers: any };
    const set = await made(server.ask(`/v1/tenants/${other.tenant}/policy`, put), 200);
    expect(set.bindings).toMatchObject([binding]);
    const { values } = await made(server.ask(`/v1/tenants/${other.tenant}/effectivePolicy`, as(other.owner)), 200);
    expect(values.find(({ key }: Json) => key === binding.key)).toMatchObject({ value: null });
  });

  test('a policy is narrowed on the way down, an exemption lifts it for a time, and a trial says what it would refuse', async () => {
    const other = await house(server, 'governed');
    const domainId = await numbers(server, 'governed');
    const put = (at: string, who: { token: string }, bindings: Json[], version = '"0"') =>
      server.ask(`/v1/${at}/policy`, {
        ...as(who),
        method: 'PUT',
        body: { bindings },
        headers: { 'if-match': version },
      });
    const max = (value: number, more = {}) => ({ key: 'inventory.leaseSecondsMax', value, ...more });
    const held = (await allocate(server, other.environment, { domainId, token: other.owner.token })).body;
    const trial = await server.ask(`/v1/tenants/${other.tenant}/policy/simulate`, {
      ...as(other.owner),
      body: { bindings: [max(3600)] },
    });
    expect(trial.body.trial).toMatchObject({
      examined: 1,
      refused: 1,
      items: [{ resourceId: held.id, key: 'inventory.leaseSecondsMax' }],
    });
    const set = await put(`tenants/${other.tenant}`, other.owner, [max(3600)]);
    expect([set.status, set.headers.get('etag')]).toEqual([200, '"1"']);
    expect((await put(`tenants/${other.tenant}`, other.owner, [max(60)])).status).toBe(412);
    expect((await put(`projects/${other.project}`, other.owner, [max(7200)])).status).toBe(200);
    const effective = await server.ask(`/v1/environments/${other.environment}/effectivePolicy`, as(other.owner));
    expect(effective.body.values.find(({ key }: Json) => key === 'inventory.leaseSecondsMax')).toMatchObject({
      value: 3600,
      contributions: [
        { scopeId: other.tenant, value: 3600, effect: 'applied' },
        { scopeId: other.project, value: 7200, effect: 'narrowed' },
      ],
    });
    const refused = await allocate(server, other.environment, { domainId, token: other.owner.token });
    expect(refused.body).toMatchObject({ code: 'policy-violation', key: 'inventory.leaseSecondsMax', allowed: 3600 });
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    await made(
      server.ask(`/v1/environments/${other.environment}/exemptions`, {
        ...as(other.owner),
        body: { key: 'inventory.leaseSecondsMax', reason: 'moving house', expiresAt },
      }),
    );
    const passed = await allocate(server, other.environment, { domainId, token: other.owner.token });
    expect([passed.status, passed.body.policyVersion > 0]).toEqual([201, true]);
    const wrong = await put(`tenants/${other.tenant}`, other.owner, [max(-1)], '"1"');
    expect([wrong.status, wrong.body.errors[0].pointer]).toEqual([422, '/bindings/0/value']);
  });

  test('the overview of a project shows what the caller may see of it, and hides the rest by name', async () => {
    const viewer = await person(server, 'looks');
    await grant(server, place, { to: viewer, role: 'auditor' });
    const { body } = await eventually(async () => {
      const answer = await server.ask(`/v1/projects/${place.project}/overview`, as(viewer));
      expect(answer.status).toBe(200);
      return answer;
    });
    expect(Object.entries(body.parts).map(([name, part]) => [name, (part as Json).status])).toEqual([
      ['scope', 'ok'],
      ['environments', 'ok'],
      ['allocations', 'hidden'],
      ['quota', 'hidden'],
      ['policy', 'hidden'],
      ['tasks', 'hidden'],
      ['changes', 'ok'],
    ]);
    const whole = await server.ask(`/v1/projects/${place.project}/overview`, as(place.owner));
    expect(new Set(Object.values(whole.body.parts).map((part) => (part as Json).status))).toEqual(new Set(['ok']));
  });
});

test('every event that tenancy has told of is one of the contract, with all that its schema says', async () => {
  const db = openDatabase({ url: server.adminUrl, applicationName: 'governance', poolSize: 1 });
  const rows = (await db.unsafe(
    `select type, event from tenancy.feed where audit ->> 'actor' is null order by recorded_at`,
  )) as unknown as readonly { type: string; event: unknown }[];
  await db.close();
  const events: Readonly<Record<string, { readonly data: v.GenericSchema }>> = tenancyEvents.events;
  for (const { type, event } of rows) {
    const schema = events[type.slice('tenancy.'.length)]?.data;
    expect(schema, type).toBeDefined();
    if (schema === undefined) continue;
    const read = v.safeParse(schema, event);
    expect([type, read.success ? [] : v.flatten(read.issues)]).toEqual([type, []]);
  }
  expect(new Set(rows.map(({ type }) => type)).size).toBeGreaterThanOrEqual(8);
});

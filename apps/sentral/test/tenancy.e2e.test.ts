import { encodeId, parseId } from '@sentral/contracts/ids';
import { newId } from '@sentral/kernel/id';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  allocate,
  any,
  as,
  behind,
  grant,
  house,
  type House,
  made,
  numbers,
  person,
  service,
  userSubject,
} from './cast.js';
import { listen } from './hearing.js';
import { eventually } from './patience.js';
import { startServer, type Json, type TestServer } from './start-server.js';

let server: TestServer;
let place: House;
// Everything that this process says from here on is looked at for secrets.
const heard = listen();

beforeAll(async () => {
  server = await startServer();
  place = await house(server, 'acme');
});
afterAll(async () => {
  heard.stop();
  await server.stop();
});

describe('a tenant', () => {
  test('is made with its first owner, whom nobody of the platform can replace', async () => {
    const late = await person(server, 'late');
    const attempt = await server.ask(`/v1/tenants/${place.tenant}/roleBindings`, {
      body: { subject: userSubject(late), role: 'owner' },
    });
    expect([attempt.status, attempt.body.missingPermission]).toEqual([403, 'tenancy.roleBinding.create']);
    await made(
      server.ask(`/v1/tenants/${place.tenant}/roleBindings`, {
        ...as(place.owner),
        body: { subject: userSubject(late), role: 'owner' },
      }),
    );
  });

  test('opens to an administrator of the platform only by breaking the glass, and the binding says why and until when', async () => {
    expect((await server.ask(`/v1/projects/${place.project}`)).status).toBe(404);
    const broken = await made(
      server.ask(`/v1/tenants/${place.tenant}/breakGlass`, { body: { ttlSeconds: 600, reason: 'pager 4711' } }),
    );
    expect(broken).toMatchObject({ role: 'break-glass', reason: 'pager 4711', scopeId: place.tenant });
    expect(Date.parse(broken.expiresAt)).toBeLessThanOrEqual(Date.now() + 600_000);
    await eventually(async () => expect((await server.ask(`/v1/projects/${place.project}`)).status).toBe(200));
    const { body } = await server.ask(`/v1/tenants/${place.tenant}/roleBindings?role=break-glass`, as(place.owner));
    expect(body.items).toHaveLength(1);
    await made(
      server.ask(`/v1/roleBindings/${broken.id}`, { ...as(place.owner), method: 'DELETE', headers: any }),
      200,
    );
    await eventually(async () => expect((await server.ask(`/v1/projects/${place.project}`)).status).toBe(404));
  });

  test('nobody grants more than it holds: an admin makes editors and no owners, an editor makes nobody', async () => {
    const [admin, editor, friend] = [
      await person(server, 'admin'),
      await person(server, 'editor'),
      await person(server, 'friend'),
    ];
    await grant(server, place, { to: admin, role: 'admin' });
    await grant(server, place, { to: editor, role: 'editor' });
    const bind = (who: { token: string }, role: string) =>
      server.ask(`/v1/tenants/${place.tenant}/roleBindings`, {
        ...as(who),
        body: { subject: userSubject(friend), role },
      });
    expect((await bind(admin, 'editor')).status).toBe(201);
    const owner = await bind(admin, 'owner');
    expect([owner.status, owner.body.detail]).toEqual([403, expect.stringContaining('owner')]);
    expect((await bind(editor, 'viewer')).status).toBe(403);
    const owners = await server.ask(`/v1/tenants/${place.tenant}/roleBindings?role=owner`, as(admin));
    const taken = await server.ask(`/v1/roleBindings/${owners.body.items[0].id}`, {
      ...as(admin),
      method: 'DELETE',
      headers: any,
    });
    expect(taken.status).toBe(403);
  });

  test('groups are granted by name and belong to whoever the credential says', async () => {
    const subject = { type: 'group', issuer: server.people.issuer.issuer, name: 'night-shift' };
    await made(
      server.ask(`/v1/tenants/${place.tenant}/roleBindings`, { ...as(place.owner), body: { subject, role: 'viewer' } }),
    );
    const [member, other] = [
      await person(server, 'member', ['night-shift']),
      await person(server, 'other', ['day-shift']),
    ];
    expect((await server.ask(`/v1/tenants/${place.tenant}`, as(member))).status).toBe(200);
    expect((await server.ask(`/v1/tenants/${place.tenant}`, as(other))).status).toBe(404);
  });

  test('a deny rule beats every grant, and whom it meets cannot take it away', async () => {
    const domainId = await numbers(server, 'denied');
    const robot = await service(server, place, { name: 'denied', role: 'allocator' });
    expect((await allocate(server, place.environment, { domainId, token: robot.token })).status).toBe(201);
    const rule = await made(
      server.ask(`/v1/tenants/${place.tenant}/denyRules`, {
        ...as(place.owner),
        body: {
          permissions: ['inventory.allocation.create'],
          subjects: [{ type: 'serviceAccount', id: robot.account }],
          reason: 'frozen',
        },
      }),
    );
    expect((await allocate(server, place.environment, { domainId, token: robot.token })).status).toBe(403);
    await made(server.ask(`/v1/denyRules/${rule.id}`, { ...as(place.owner), method: 'DELETE', headers: any }), 200);
    expect((await allocate(server, place.environment, { domainId, token: robot.token })).status).toBe(201);
  });
});

describe('a grant that is taken back', () => {
  test('bites at once on an allocation and within five seconds on reads', async () => {
    const domainId = await numbers(server, 'revoked');
    const worker = await person(server, 'worker');
    await grant(server, place, { to: worker, role: 'allocator' });
    expect((await allocate(server, place.environment, { domainId, token: worker.token })).status).toBe(201);
    expect((await server.ask(`/v1/environments/${place.environment}`, as(worker))).status).toBe(200);
    const { body } = await server.ask(
      `/v1/tenants/${place.tenant}/roleBindings?subjectId=${worker.id}`,
      as(place.owner),
    );
    await made(
      server.ask(`/v1/roleBindings/${body.items[0].id}`, { ...as(place.owner), method: 'DELETE', headers: any }),
      200,
    );
    const began = Date.now();
    expect((await allocate(server, place.environment, { domainId, token: worker.token })).status).toBe(404);
    await eventually(async () =>
      expect((await server.ask(`/v1/environments/${place.environment}`, as(worker))).status).toBe(404),
    );
    expect(Date.now() - began).toBeLessThan(5_000);
  });

  test('a token that is revoked, or whose account is disabled, is refused at once where it changes something', async () => {
    const domainId = await numbers(server, 'tokens');
    const robot = await service(server, place, { name: 'robot', role: 'allocator' });
    expect((await allocate(server, place.environment, { domainId, token: robot.token })).status).toBe(201);
    const off = { ...as(place.owner), method: 'PATCH', headers: any };
    await made(server.ask(`/v1/serviceAccounts/${robot.account}`, { ...off, body: { state: 'disabled' } }), 200);
    expect((await allocate(server, place.environment, { domainId, token: robot.token })).body.reason).toBe('revoked');
    await made(server.ask(`/v1/serviceAccounts/${robot.account}`, { ...off, body: { state: 'active' } }), 200);
    expect((await allocate(server, place.environment, { domainId, token: robot.token })).status).toBe(201);
    await made(server.ask(`/v1/tokens/${robot.tokenId}`, { ...as(place.owner), method: 'DELETE', headers: any }), 200);
    expect((await allocate(server, place.environment, { domainId, token: robot.token })).body.reason).toBe('revoked');
  });

  test('the last administrator of the platform stays, whoever tries', async () => {
    const { body } = await server.ask('/v1/platform/roleBindings?role=platform-admin');
    const last = await server.ask(`/v1/roleBindings/${body.items[0].id}`, { method: 'DELETE', headers: any });
    expect([last.status, last.body.code]).toEqual([409, 'last-administrator']);
    const me = (await server.ask('/v1/whoami')).body.principal.id;
    const disabled = await server.ask(`/v1/users/${me}/disable`, { method: 'POST', headers: any });
    expect([disabled.status, disabled.body.code]).toEqual([409, 'last-administrator']);
    expect((await server.ask('/v1/nodes')).status).toBe(200);
  });
});

describe('an environment', () => {
  test('takes an allocation in the request after the one that made it, a hundred times of a hundred', async () => {
    const domainId = await numbers(server, 'at-once');
    const statuses = new Set<number>();
    for (let n = 0; n < 100; n += 1) {
      const { id } = await made(
        server.ask(`/v1/projects/${place.project}/environments`, {
          ...as(place.owner),
          body: { name: `at-once-${n}`, class: 'development' },
        }),
      );
      statuses.add((await allocate(server, id, { domainId, token: place.owner.token })).status);
    }
    expect([...statuses]).toEqual([201]);
  });

  test('that is deleted while allocations race for it ends with a blocker or without an allocation, never both', async () => {
    const domainId = await numbers(server, 'race');
    const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    // How long the delete is ahead: whoever won gives way in the next round, so the two keep meeting.
    let lead = 0;
    const settled: { id: string; state: string; granted: number }[] = [];
    for (let round = 0; round < 24; round += 1) {
      const { id } = await made(
        server.ask(`/v1/projects/${place.project}/environments`, {
          ...as(place.owner),
          body: { name: `race-${round}`, class: 'development' },
        }),
      );
      const [removed, ...taken] = await Promise.all([
        server.ask(`/v1/environments/${id}`, { ...as(place.owner), method: 'DELETE', headers: any }),
        ...Array.from({ length: 4 }, () =>
          later(lead).then(() => allocate(server, id, { domainId, token: place.owner.token })),
        ),
      ]);
      const granted = taken.filter(({ status }) => status === 201).length;
      for (const { status, body } of taken)
        if (status !== 201) expect(['scope-not-active', 'not-found']).toContain(body.code);
      if (removed.status === 200) settled.push({ id, state: 'deleted', granted: 0 });
      else {
        expect([removed.body.code, removed.body.dependents?.[0]?.type]).toEqual(['has-dependents', 'allocation']);
        settled.push({ id, state: 'active', granted });
      }
      expect(granted > 0).toBe(removed.status !== 200);
      lead = Math.max(0, lead + (granted > 0 ? 25 : -25));
    }
    expect(new Set(settled.map(({ state }) => state))).toEqual(new Set(['deleted', 'active']));
    // When all is over: what was told is how it stays, on both sides.
    for (const { id, state, granted } of settled) {
      const { body: scope } = await server.ask(`/v1/environments/${id}`, as(place.owner));
      const { body: held } = await server.ask(`/v1/allocations?environmentId=${id}&state=held,active`, as(place.owner));
      expect([scope.state, held.items.length]).toEqual([state, granted]);
    }
  });

  test('that a task works in is not deleted, and neither is what it lies in, until the task has ended', async () => {
    const at = `/v1/projects/${place.project}/environments`;
    const { id } = await made(server.ask(at, { ...as(place.owner), body: { name: 'at-work', class: 'staging' } }));
    const lies = [place.tenant, place.project, id].map((scope) => parseId(scope).uuid);
    const task = newId();
    await behind(
      server,
      `insert into task.task (id, tenant_id, project_id, environment_id, kind, kind_version, plan_hash, steps_total, steps_open, input, actor, correlation_id)
       values ($1, $2, $3, $4, 'cluster.create', 1, '\\x00', 1, 1, '{}', '{}', $1)`,
      [task, ...lies],
    );
    const remove = () => server.ask(`/v1/environments/${id}`, { ...as(place.owner), method: 'DELETE', headers: any });
    const blocked = await remove();
    const dependents = [{ type: 'task', count: 1, ids: [encodeId('tsk', task)] }];
    expect([blocked.status, blocked.body.code, blocked.body.dependents]).toEqual([409, 'has-dependents', dependents]);
    expect((await server.ask(`/v1/environments/${id}`, as(place.owner))).body.state).toBe('active');
    await behind(server, `update task.task set state = 'succeeded', finished_at = now() where id = $1`, [task]);
    expect((await remove()).status).toBe(200);
  });

  test('that is deleted comes back until it is purged, and its name stays its own', async () => {
    const at = `/v1/projects/${place.project}/environments`;
    const { id } = await made(server.ask(at, { ...as(place.owner), body: { name: 'phoenix', class: 'staging' } }));
    const gone = await made(
      server.ask(`/v1/environments/${id}`, { ...as(place.owner), method: 'DELETE', headers: { 'if-match': '"1"' } }),
      200,
    );
    expect(gone).toMatchObject({ state: 'deleted', version: 3 });
    expect(Date.parse(gone.purgeAt) - Date.parse(gone.deletedAt)).toBe(30 * 86_400_000);
    const names = async (query = '') =>
      (await server.ask(`${at}?name=phoenix${query}`, as(place.owner))).body.items.map(({ state }: Json) => state);
    expect([await names(), await names('&showDeleted=true')]).toEqual([[], ['deleted']]);
    const twin = await server.ask(at, { ...as(place.owner), body: { name: 'phoenix', class: 'staging' } });
    expect([twin.status, twin.body.code]).toEqual([409, 'already-exists']);
    const back = await server.ask(`/v1/environments/${id}/restore`, {
      ...as(place.owner),
      method: 'POST',
      headers: any,
    });
    expect([back.status, back.body.state]).toEqual([200, 'active']);
  });

  test('under a hold is not deleted, and neither is a thing that is held', async () => {
    const at = `/v1/projects/${place.project}/environments`;
    const { id } = await made(server.ask(at, { ...as(place.owner), body: { name: 'held', class: 'staging' } }));
    const hold = await made(
      server.ask(`/v1/environments/${id}/holds`, {
        ...as(place.owner),
        body: { origin: 'case 7', reason: 'evidence' },
      }),
    );
    const remove = () => server.ask(`/v1/environments/${id}`, { ...as(place.owner), method: 'DELETE', headers: any });
    expect((await remove()).body).toMatchObject({
      code: 'blocked-by-hold',
      holds: [{ id: hold.id, origin: 'case 7', reason: 'evidence' }],
    });
    await made(server.ask(`/v1/holds/${hold.id}`, { ...as(place.owner), method: 'DELETE', headers: any }), 200);
    expect((await remove()).status).toBe(200);

    const node = await made(server.ask('/v1/nodes', { body: { kind: 'site', name: 'crime-scene' } }));
    const lien = await made(
      server.ask('/v1/platform/holds', { body: { resourceId: node.id, origin: 'case 8', reason: 'evidence' } }),
    );
    const retire = () => server.ask(`/v1/nodes/${node.id}`, { method: 'DELETE', headers: any });
    expect((await retire()).body).toMatchObject({ code: 'blocked-by-hold', holds: [{ id: lien.id }] });
    await made(server.ask(`/v1/holds/${lien.id}`, { method: 'DELETE', headers: any }), 200);
    await eventually(async () => expect((await retire()).status).toBe(200));
  });

  test('of a suspended tenant may be read and emptied, and nothing new begins in it', async () => {
    const other = await house(server, 'suspended');
    const domainId = await numbers(server, 'suspended');
    const held = (await allocate(server, other.environment, { domainId, token: other.owner.token })).body;
    await made(
      server.ask(`/v1/tenants/${other.tenant}/suspend`, { method: 'POST', headers: any, body: { reason: 'unpaid' } }),
      200,
    );
    const refused = await allocate(server, other.environment, { domainId, token: other.owner.token });
    expect([refused.status, refused.body.code, refused.body.state]).toEqual([409, 'scope-not-active', 'suspended']);
    const child = await server.ask(`/v1/tenants/${other.tenant}/projects`, {
      ...as(other.owner),
      body: { name: 'more' },
    });
    expect(child.body.code).toBe('scope-not-active');
    expect((await server.ask(`/v1/allocations/${held.id}`, as(other.owner))).status).toBe(200);
    await made(server.ask(`/v1/allocations/${held.id}/release`, { ...as(other.owner), method: 'POST', body: {} }), 200);
    await made(server.ask(`/v1/tenants/${other.tenant}/resume`, { method: 'POST', headers: any }), 200);
    expect((await allocate(server, other.environment, { domainId, token: other.owner.token })).status).toBe(201);
  });
});

test('a secret is shown once: not when the key is sent again, and in no log', async () => {
  const { body: account } = await server.ask(`/v1/tenants/${place.tenant}/serviceAccounts`, {
    ...as(place.owner),
    body: { name: 'once' },
  });
  const mint = () =>
    server.ask(`/v1/serviceAccounts/${account.id}/tokens`, {
      ...as(place.owner),
      body: { name: 'only' },
      headers: { 'idempotency-key': 'once' },
    });
  const first = await mint();
  expect(first.body.secret).toMatch(/^snt_[0-9a-hjkmnp-tv-z]{26}_[0-9A-Za-z]{49}$/);
  expect((await mint()).body).toEqual({ ...first.body, secret: null });
  await server.ask('/v1/whoami', { token: first.body.secret });
  await server.ask(`/v1/nodes?access_token=${first.body.secret}`);
  const said = heard.said();
  expect(said).not.toMatch(/snt_[0-9a-hjkmnp-tv-z]{26}/);
  expect(said).not.toMatch(/eyJ[A-Za-z0-9_-]{20}/);
});

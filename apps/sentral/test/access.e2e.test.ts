import { routes } from '@sentral/contracts/api/routes';
import type { RouteDef } from '@sentral/contracts/route';
import { permissionsOfRole } from '@sentral/contracts/roles';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { placeOf } from '../src/auth/authorize.js';
import { grant, house, made, person, service, type House } from './cast.js';
import { startServer, type Asking, type Json, type TestServer } from './start-server.js';

let server: TestServer;
let a: House;
let b: House;
let things: Record<string, string>;
const tokens: Record<string, string> = {};

const everything = Object.values(routes as unknown as Record<string, RouteDef>);
const closed = everything.filter((def) => def.permission !== null);

beforeAll(async () => {
  server = await startServer();
  [a, b] = [await house(server, 'acme'), await house(server, 'bolt')];
  const as = { token: a.owner.token };
  const tenant = `/v1/tenants/${a.tenant}`;
  const staff = await service(server, a, { name: 'robot', role: 'viewer' });
  const revoked = await service(server, a, { name: 'gone', role: 'owner' });
  await made(
    server.ask(`/v1/tokens/${revoked.tokenId}`, { ...as, method: 'DELETE', headers: { 'if-match': '*' } }),
    200,
  );
  for (const role of ['viewer', 'editor', 'auditor', 'allocator'])
    await grant(server, a, { to: await person(server, role), role });
  await grant(server, a, { to: await person(server, 'formerly'), role: 'owner', over: true });
  const watcher = await person(server, 'watcher');
  await made(
    server.ask('/v1/platform/roleBindings', {
      body: { subject: { type: 'user', id: watcher.id }, role: 'platform-viewer' },
    }),
  );
  Object.assign(tokens, {
    stranger: await server.people.token('nobody-at-all'),
    neighbour: b.owner.token,
    owner: a.owner.token,
    platformViewer: watcher.token,
    revoked: revoked.token,
    serviceViewer: staff.token,
  });
  for (const name of ['viewer', 'editor', 'auditor', 'allocator', 'formerly'])
    tokens[name] = await server.people.token(name);

  const domain = await made(server.ask('/v1/numberDomains', { body: { name: 'cast', kind: 'vlan' } }));
  await made(server.ask(`/v1/numberDomains/${domain.id}/ranges`, { body: { start: 1, end: 100 } }));
  const allocation = await made(
    server.ask(`/v1/environments/${a.environment}/allocations`, {
      ...as,
      headers: { 'idempotency-key': 'cast' },
      body: {
        consumer: { service: 's', kind: 'k', id: '1' },
        items: [{ what: 'number', domainId: domain.id }],
        ttlSeconds: 600,
      },
    }),
  );
  const thing = async (at: string, body: object) => (await made(server.ask(`${tenant}${at}`, { ...as, body }))).id;
  things = {
    tnt: a.tenant,
    prj: a.project,
    env: a.environment,
    alc: allocation.id,
    hol: await thing('/holds', { origin: 'case-1', reason: 'kept' }),
    pex: await thing('/exemptions', { key: 'inventory.requiredLabels', reason: 'moving', expiresAt: soon() }),
    dny: await thing('/denyRules', {
      permissions: ['audit.record.redact'],
      subjects: [{ type: 'group', issuer: 'https://idp.invalid', name: 'interns' }],
      reason: 'r',
    }),
    rbd: (await server.ask(`${tenant}/roleBindings`, as)).body.items[0].id,
    sac: staff.account,
    tok: staff.tokenId,
    qta: (await made(server.ask(`${tenant}/quotas`, { body: { dimension: 'tenancy.projects', limit: 9 } }))).id,
    usr: a.owner.id,
  };
});
afterAll(() => server.stop());

const soon = () => new Date(Date.now() + 86_400_000).toISOString();
const missing: Readonly<Record<string, string>> = {};
const unknown = (prefix: string) => missing[prefix] ?? `${prefix}_01jz0000000000000000000000`;

/** The kind of id that a path wants, by trying which one its schema takes. */
function prefixOf(def: RouteDef): string | undefined {
  const known = ['tnt', 'prj', 'env', 'alc', 'hol', 'pex', 'dny', 'rbd', 'sac', 'tok', 'qta', 'usr'];
  return known.find((prefix) => {
    const ask = (def.params as { entries?: { id?: { pipe?: { requirement?: RegExp }[] } } } | undefined)?.entries?.id;
    return ask?.pipe?.some(({ requirement }) => requirement?.test(`${prefix}_01jz0000000000000000000000`));
  });
}

/** Changes are tried and taken back: one caller's must not be gone for the next. */
function pathOf(def: RouteDef, id: string | undefined): string {
  const path = def.path
    .replace(':id', id ?? 'nod_01jz0000000000000000000000')
    .replace(':key', 'site')
    .replaceAll(/:\w+/g, 'x');
  const query = [
    ...(def.on === 'queryScope' ? [`scope=${things['tnt']}`] : []),
    ...('dryRun' in ((def.query as { entries?: object } | undefined)?.entries ?? {}) ? ['dryRun=true'] : []),
  ];
  return query.length === 0 ? path : `${path}?${query.join('&')}`;
}

function asking(def: RouteDef, token: string | null): Asking {
  return {
    method: def.method,
    token,
    ...(def.body === undefined ? {} : { body: {}, headers: { 'content-type': def.bodyType ?? 'application/json' } }),
  };
}

/** Whether whoever holds these permissions in tenant A is let through the door, to be judged on what it said. */
function expected(def: RouteDef, held: readonly string[]): 'in' | 403 | 404 {
  const permission = def.permission ?? '';
  const place = placeOf(def);
  if (place === 'visible') return 'in';
  const id = prefixOf(def);
  if (place === 'queryScope') return held.includes(permission) ? 'in' : 403;
  if (place === 'platform' || id === undefined) return 403;
  const reading = `${permission.slice(0, permission.lastIndexOf('.'))}.read`;
  if (place === 'item' && !held.includes(reading) && permission !== reading) return 404;
  // Nobody moves a limit of its own tenant.
  if (/^tenancy\.quota\.(create|update|delete)$/.test(permission) && (id === 'tnt' || id === 'qta')) return 403;
  if (held.includes(permission)) return 'in';
  return place === 'item' && permission === reading ? 404 : 403;
}

const told = (status: number): 'in' | number => (status === 401 || status === 403 || status === 404 ? status : 'in');

describe('every operation of the document', () => {
  test('called by nobody, it asks for credentials', async () => {
    for (const def of everything.filter((each) => each.permission !== null || each.self === true)) {
      const answer = await server.ask(pathOf(def, unknown(prefixOf(def) ?? 'nod')), asking(def, null));
      expect([def.operationId, answer.status, answer.body.reason]).toEqual([def.operationId, 401, 'missing']);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="sentral"');
    }
  });

  test('called with a token that was revoked, it says so and no more', async () => {
    for (const def of closed) {
      const answer = await server.ask(pathOf(def, things[prefixOf(def) ?? '']), asking(def, tokens['revoked'] ?? ''));
      expect([def.operationId, answer.status, answer.body.reason]).toEqual([def.operationId, 401, 'revoked']);
    }
  });

  test.each(['stranger', 'neighbour', 'formerly'])(
    'called as %s, whatever lies in the tenant does not exist, and the platform is closed',
    async (who) => {
      for (const def of closed) {
        const answer = await server.ask(pathOf(def, things[prefixOf(def) ?? '']), asking(def, tokens[who] ?? ''));
        const place = placeOf(def);
        const inTenant = prefixOf(def) !== undefined && place !== 'platform';
        const want = place === 'visible' ? 200 : inTenant || place === 'queryScope' ? 404 : 403;
        expect([who, def.operationId, answer.status]).toEqual([who, def.operationId, want]);
        if (want === 200) expect(JSON.stringify(answer.body)).not.toContain(a.tenant.slice(4));
        if (want === 403) expect(answer.body.missingPermission).toBe(def.permission);
      }
    },
  );

  test.each(['viewer', 'editor', 'allocator', 'auditor', 'owner', 'serviceViewer'])(
    'called as %s, it opens to exactly what the role holds',
    async (who) => {
      const held = permissionsOfRole(who === 'serviceViewer' ? 'viewer' : who);
      for (const def of closed) {
        // What changes something for good is judged by its refusals alone: without a version, nothing happens.
        const answer = await server.ask(pathOf(def, things[prefixOf(def) ?? '']), asking(def, tokens[who] ?? ''));
        const said = answer.status === 404 && answer.body.resourceType === 'node' ? 'in' : told(answer.status);
        expect([who, def.operationId, said, said === 'in' ? '' : answer.body.missingPermission]).toEqual([
          who,
          def.operationId,
          expected(def, held),
          expected(def, held) === 403 ? def.permission : said === 'in' ? '' : undefined,
        ]);
      }
    },
  );

  test('called as viewer of the platform, it shows the platform and the tenant’s entry in the list, and nothing inside', async () => {
    for (const def of closed.filter(({ method }) => method === 'GET')) {
      const id = prefixOf(def);
      const answer = await server.ask(pathOf(def, things[id ?? '']), asking(def, tokens['platformViewer'] ?? ''));
      const inside = ['prj', 'env', 'alc', 'hol', 'pex', 'rbd', 'sac', 'tok', 'dny'].includes(id ?? '');
      if (inside) expect([def.operationId, answer.status]).toEqual([def.operationId, 404]);
      if (def.operationId === 'getTenant' || def.operationId === 'listTenantQuotas')
        expect([def.operationId, answer.status]).toEqual([def.operationId, 200]);
      expect(JSON.stringify(answer.body), def.operationId).not.toContain(a.project.slice(4));
    }
  });
});

describe('what is not yours', () => {
  test('a foreign id and one that never was are the same, to the byte and the header', async () => {
    const items = closed.filter((def) => ['item', 'pathScope'].includes(placeOf(def)) && prefixOf(def) !== undefined);
    expect(items.length).toBeGreaterThan(40);
    for (const def of items) {
      const prefix = prefixOf(def) ?? '';
      const [foreign, never] = await Promise.all(
        [things[prefix], unknown(prefix)].map((id) =>
          server.ask(pathOf(def, id), asking(def, tokens['neighbour'] ?? '')),
        ),
      );
      expect([def.operationId, shape(foreign)]).toEqual([def.operationId, shape(never)]);
    }
  });

  test('nothing of another tenant shows in any list, count or check', async () => {
    const canary = [a.tenant, a.project, a.environment].map((id) => id.slice(4));
    const lists = closed.filter((def) => placeOf(def) === 'visible');
    for (const def of lists) {
      const { body } = await server.ask(def.path, { token: b.owner.token });
      for (const id of canary) expect(JSON.stringify(body), def.operationId).not.toContain(id);
    }
    const checked = await server.ask('/v1/access/check', {
      token: b.owner.token,
      body: { checks: [a.tenant, unknown('tnt')].map((scopeId) => ({ permission: 'tenancy.tenant.read', scopeId })) },
    });
    expect(checked.body.items.map(({ allowed }: Json) => allowed)).toEqual([false, false]);
  });

  test('a refused stranger changes nothing', async () => {
    const node = await made(server.ask('/v1/nodes', { body: { kind: 'site', name: 'secret' } }));
    const attempt = await server.ask(`/v1/nodes/${node.id}`, {
      method: 'PATCH',
      body: { name: 'mine' },
      headers: { 'if-match': '*' },
      token: tokens['stranger'] ?? '',
    });
    expect(attempt.status).toBe(403);
    expect((await server.ask(`/v1/nodes/${node.id}`)).body).toMatchObject({ name: 'secret', version: 1 });
  });
});

const volatile = ['request-id', 'date', 'ratelimit'];
function shape(answer: { status: number; headers: Headers; body: Json } | undefined) {
  const { instance: _, requestId: __, ...body } = answer?.body ?? {};
  const headers = [...(answer?.headers ?? [])].filter(([name]) => !volatile.includes(name));
  return { status: answer?.status, body, headers };
}

test('a token that is none is refused as invalid', async () => {
  const [head, , signature] = server.token.split('.');
  const forged = Buffer.from('{"iss":"https://development.sentral.invalid"}').toString('base64url');
  for (const token of ['x', 'a.b.c', `${head}.${forged}.${signature}`, `snt_${'0'.repeat(26)}_${'0'.repeat(49)}`]) {
    const answer = await server.ask('/v1/nodes', { token });
    expect([answer.status, answer.body.reason]).toEqual([401, 'invalid']);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="sentral", error="invalid_token"');
  }
});

test('two issuers may know the same name: they are two people', async () => {
  const [ours, theirs] = await Promise.all([
    server.ask('/v1/whoami'),
    server.ask('/v1/whoami', { token: server.strangerToken }),
  ]);
  expect([ours.status, theirs.status]).toEqual([200, 200]);
  expect(theirs.body.principal.id).not.toBe(ours.body.principal.id);
  expect(theirs.body.readScope).toEqual({ tenantIds: [], projectIds: [], environmentIds: [] });
});

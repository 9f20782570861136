import type { RouteDef } from '@sentral/contracts/route';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { placeOf } from '../src/auth/authorize.js';
import { grant, house, made, person, service, type House } from './cast.js';
import { asking, closed, everything, makeThings, pathOf, prefixOf, unknown, type Things } from './operations.js';
import { startServer, type Json, type TestServer } from './start-server.js';

let server: TestServer;
let a: House;
let b: House;
let things: Things;
const tokens: Record<string, string> = {};

beforeAll(async () => {
  server = await startServer();
  [a, b] = [await house(server, 'acme'), await house(server, 'bolt')];
  const as = { token: a.owner.token };
  const revoked = await service(server, a, { name: 'gone', role: 'owner' });
  await made(
    server.ask(`/v1/tokens/${revoked.tokenId}`, { ...as, method: 'DELETE', headers: { 'if-match': '*' } }),
    200,
  );
  const formerly = await person(server, 'formerly');
  await grant(server, a, { to: formerly, role: 'owner', over: true });
  const watcher = await person(server, 'watcher');
  await made(
    server.ask('/v1/platform/roleBindings', {
      body: { subject: { type: 'user', id: watcher.id }, role: 'platform-viewer' },
    }),
  );
  Object.assign(tokens, {
    stranger: await server.people.token('nobody-at-all'),
    neighbour: b.owner.token,
    formerly: formerly.token,
    platformViewer: watcher.token,
    revoked: revoked.token,
  });
  things = await makeThings(server, a);
});
afterAll(() => server.stop());

const at = (def: RouteDef, id = things[prefixOf(def) ?? '']) => pathOf(def, id, a.tenant);

describe('every operation of the document', () => {
  test('called by nobody, it asks for credentials', async () => {
    for (const def of everything.filter((each) => each.permission !== null || each.self === true)) {
      const answer = await server.ask(at(def, unknown(prefixOf(def) ?? 'nod')), asking(def, null));
      expect([def.operationId, answer.status, answer.body.reason]).toEqual([def.operationId, 401, 'missing']);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="sentral"');
    }
  });

  test('called with a token that was revoked, it says so and no more', async () => {
    for (const def of closed) {
      const answer = await server.ask(at(def), asking(def, tokens['revoked'] ?? ''));
      expect([def.operationId, answer.status, answer.body.reason]).toEqual([def.operationId, 401, 'revoked']);
    }
  });

  test.each(['stranger', 'neighbour', 'formerly'])(
    'called as %s, whatever lies in the tenant does not exist, and the platform is closed',
    async (who) => {
      for (const def of closed) {
        const answer = await server.ask(at(def), asking(def, tokens[who] ?? ''));
        const place = placeOf(def);
        const inTenant = prefixOf(def) !== undefined && place !== 'platform';
        // What judges each part of a body by itself lets everyone in, and takes nothing that is empty.
        const open = def.body === undefined ? 200 : 422;
        const want = place === 'visible' ? open : inTenant || place === 'queryScope' ? 404 : 403;
        expect([who, def.operationId, answer.status]).toEqual([who, def.operationId, want]);
        if (want === 200) expect(JSON.stringify(answer.body)).not.toContain(a.tenant.slice(4));
        if (want === 403) expect(answer.body.missingPermission).toBe(def.permission);
      }
    },
  );

  test('called as viewer of the platform, it shows the platform and the tenant’s entry in the list, and nothing inside', async () => {
    for (const def of closed.filter(({ method }) => method === 'GET')) {
      const id = prefixOf(def);
      const answer = await server.ask(at(def), asking(def, tokens['platformViewer'] ?? ''));
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
        [things[prefix], unknown(prefix)].map((id) => server.ask(at(def, id), asking(def, tokens['neighbour'] ?? ''))),
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

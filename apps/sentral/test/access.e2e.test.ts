import { routes } from '@sentral/contracts/api/routes';
import type { RouteDef } from '@sentral/contracts/route';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from './start-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const closed = Object.values(routes as Record<string, RouteDef>).filter((def) => def.permission !== null);
const said = (def: RouteDef) =>
  def.body === undefined ? {} : { body: {}, headers: { 'content-type': def.bodyType ?? 'application/json' } };
const somewhere = (def: RouteDef) => def.path.replaceAll(/:\w+/g, 'nod_01jz0000000000000000000000');

test('nobody gets in without a token, whatever the route', async () => {
  for (const def of closed) {
    const answer = await server.ask(somewhere(def), { method: def.method, token: null });
    expect([def.operationId, answer.status, answer.body.code, answer.body.reason]).toEqual([
      def.operationId,
      401,
      'unauthenticated',
      'missing',
    ]);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="sentral"');
  }
});

test('a token that is none is refused as invalid', async () => {
  const [head, , signature] = server.token.split('.');
  for (const token of [
    'x',
    'a.b.c',
    `${head}.${Buffer.from('{"iss":"https://development.sentral.invalid"}').toString('base64url')}.${signature}`,
  ]) {
    const answer = await server.ask('/v1/nodes', { token });
    expect([answer.status, answer.body.reason]).toEqual([401, 'invalid']);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="sentral", error="invalid_token"');
  }
});

test('whoever another issuer vouches for is known and may do nothing, even under the same name', async () => {
  const who = await server.ask('/v1/whoami', { token: server.strangerToken });
  expect([who.status, who.body.principal.id]).toEqual([200, 'https://elsewhere.sentral.invalid#developer']);
  for (const def of closed) {
    const answer = await server.ask(somewhere(def), { method: def.method, token: server.strangerToken, ...said(def) });
    expect([def.operationId, answer.status, answer.body.code]).toEqual([def.operationId, 403, 'permission-denied']);
    expect(answer.body.missingPermission).toBe(def.permission);
  }
});

test('a refused stranger changes nothing and learns nothing of what exists', async () => {
  const made = await server.ask('/v1/nodes', { body: { kind: 'site', name: 'secret' } });
  const seen = await server.ask(`/v1/nodes/${made.body.id}`, { token: server.strangerToken });
  const unseen = await server.ask('/v1/nodes/nod_01jz0000000000000000000000', { token: server.strangerToken });
  const told = (body: object) => ({ ...body, requestId: '', instance: '' });
  expect(told(seen.body)).toEqual(told(unseen.body));
  const attempt = await server.ask(`/v1/nodes/${made.body.id}`, {
    method: 'PATCH',
    body: { name: 'mine' },
    headers: { 'if-match': '*' },
    token: server.strangerToken,
  });
  expect(attempt.status).toBe(403);
  expect((await server.ask(`/v1/nodes/${made.body.id}`)).body).toMatchObject({ name: 'secret', version: 1 });
});

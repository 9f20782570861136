import { mintInternalToken } from '@sentral/contracts/internal-token';
import { defaultEnvironmentId } from '@sentral/contracts/tenancy';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type Json, type TestServer } from './start-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ SENTRAL_INTERNAL_PORT: '0' });
});
afterAll(() => server.stop());

const caller = {
  principal: { id: 'other-process', type: 'system' },
  accessEpoch: 1,
  readScope: { all: true },
  scopes: [],
};
const now = () => Math.floor(Date.now() / 1000);

async function call(bearer: string | undefined, at = 'tenancy/scope/get'): Promise<{ status: number; body: Json }> {
  const answer = await fetch(`${server.internalUrl}/internal/v1/${at}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    },
    body: JSON.stringify({ caller, command: { id: defaultEnvironmentId } }),
  });
  return { status: answer.status, body: await answer.json() };
}

describe('the internal wire answers only who holds the key', () => {
  test('with a token for this context it answers', async () => {
    const answer = await call(await mintInternalToken(server.internalKey, 'tenancy', now()));
    expect([answer.status, answer.body.id]).toEqual([200, defaultEnvironmentId]);
  });

  test('without a token, with one that has expired, one for another context, one of another key, and a public one it refuses', async () => {
    const bearers = {
      none: undefined,
      expired: await mintInternalToken(server.internalKey, 'tenancy', now() - 120),
      'of tomorrow': await mintInternalToken(server.internalKey, 'tenancy', now() + 86_400),
      'for inventory': await mintInternalToken(server.internalKey, 'inventory', now()),
      'of another key': await mintInternalToken(new Uint8Array(32), 'tenancy', now()),
      public: server.token,
    };
    for (const [which, bearer] of Object.entries(bearers)) {
      const answer = await call(bearer);
      expect([which, answer.status, answer.body.code]).toEqual([which, 401, 'unauthenticated']);
    }
  });

  test('a verb that does not exist is not found, and not before the token is good', async () => {
    const token = await mintInternalToken(server.internalKey, 'tenancy', now());
    expect((await call(token, 'tenancy/scope/toString')).status).toBe(404);
    expect((await call(undefined, 'tenancy/scope/toString')).status).toBe(401);
  });

  test('the public port does not know the wire, and the wire does not know the public API', async () => {
    expect((await server.ask('/internal/v1/tenancy/scope/get', { body: {} })).status).toBe(404);
    expect(
      (await fetch(`${server.internalUrl}/v1/whoami`, { headers: { authorization: `Bearer ${server.token}` } })).status,
    ).toBe(404);
    expect((await fetch(`${server.internalUrl}/livez`)).status).toBe(200);
  });
});

import { mintInternalToken } from '@sentral/contracts/internal-token';
import { openDatabase } from '@sentral/kernel/database';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allocate, any, as, house, made, numbers, person, service } from './cast.js';
import { listen } from './hearing.js';
import { issuersFile, startIssuer } from './issuer.js';
import type { TestServer } from './start-server.js';
import { startSplit } from './start-split.js';

const heard = listen();
/** By what it is: a failure names the kind and never the text. */
const secrets = new Map<string, string>();
const keep = (what: string, text: string) => {
  secrets.set(what, text);
  return text;
};
const undo: (() => unknown)[] = [];

// A day in the life of a deployment in two processes, with all that can go wrong in it; the facade logs as JSON, inventory as text.
beforeAll(async () => {
  const issuer = await startIssuer('one');
  const file = issuersFile(issuer);
  undo.push(file.remove, issuer.stop);
  const split = await startSplit({ facade: { SENTRAL_LOG: 'json', SENTRAL_ISSUERS_FILE: file.name } });
  undo.push(split.stop);
  const { facade, inventory } = split;
  keep('the key of both processes', Buffer.from(facade.internalKey).toString('base64'));
  keep('the same key in hex', Buffer.from(facade.internalKey).toString('hex'));
  keep('the token of the developer', facade.token);

  const place = await house(facade, 'acme');
  keep('the token of the owner', place.owner.token);
  const domainId = await numbers(facade, 'secrets');
  const robot = await service(facade, place, { name: 'robot', role: 'allocator' });
  keep('an API token', robot.token);
  keep('the part of it that is secret', robot.token.slice(-49));
  keep('its hash', createHash('sha256').update(robot.token.split('_')[2]!.slice(0, 43)).digest('hex'));
  await made(allocate(facade, place.environment, { domainId, token: robot.token }));
  const rotated = await made(
    facade.ask(`/v1/tokens/${robot.tokenId}/rotate`, {
      ...as(place.owner),
      method: 'POST',
      body: {},
      headers: { ...any, 'idempotency-key': keep('an idempotency key', 'canary-of-a-key') },
    }),
  );
  keep('a rotated API token', rotated.secret);

  await refusals(facade, robot.token);
  await failures(facade, rotated.secret);
  await wire(
    inventory,
    keep('a token of the wire', await mintInternalToken(inventory.internalKey, 'inventory', now())),
  );
  const outside = keep('a token of an issuer', await issuer.token('ada'));
  issuer.answer('down');
  await ask(facade, '/v1/whoami', outside);
  await inventory.stop();
  await ask(facade, '/v1/kinds', facade.token);
  await ask(facade, '/v1/whoami', keep('the token of somebody new', (await person(facade, 'late')).token));
});
afterAll(async () => {
  heard.stop();
  for (const each of undo.toReversed()) await each();
});

const now = () => Math.floor(Date.now() / 1000);
const ask = async (server: TestServer, at: string, token: string, headers: Record<string, string> = {}) => {
  const answer = await fetch(`${server.url}${at}`, { headers: { authorization: `Bearer ${token}`, ...headers } });
  await answer.body?.cancel();
  return answer.status;
};

async function refusals(server: TestServer, token: string) {
  const mistyped = keep('a mistyped API token', `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`);
  expect(await ask(server, '/v1/whoami', mistyped)).toBe(401);
  const forged = keep('a forged token', `${server.token.slice(0, -6)}AAAAAA`);
  expect(await ask(server, '/v1/whoami', forged)).toBe(401);
  expect(await ask(server, `/v1/nodes?access_token=${token}`, server.token)).toBe(400);
  expect(await ask(server, `/v1/${token}`, server.token)).toBe(404);
  expect(await ask(server, `/v1/nodes/${token}`, server.token)).toBe(400);
  const cookie = keep('a cookie', 'session=canary-of-a-cookie');
  expect(await ask(server, `/v1/nodes?name=${keep('a query', 'canary-of-a-query')}`, token, { cookie })).toBe(403);
}

/** Tables that are gone make statements fail with what they were given. */
async function failures(server: TestServer, token: string) {
  const db = openDatabase({ url: server.adminUrl, applicationName: 'secrets', poolSize: 1 });
  try {
    for (const table of ['token', 'role_binding', 'principal']) {
      await db.unsafe(`alter table tenancy.${table} rename to gone`);
      expect(await ask(server, '/v1/users', token), table).toBeGreaterThanOrEqual(500);
      await db.unsafe(`alter table tenancy.gone rename to ${table}`);
    }
  } finally {
    await db.close();
  }
}

async function wire(server: TestServer, token: string) {
  const call = (at: string, bearer: string) =>
    fetch(`${server.internalUrl}/internal/v1/${at}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: '{"caller":{},"command":{}}',
    });
  for (const [at, bearer] of [
    ['inventory/kind/list', token],
    ['inventory/kind/list', `${token}x`],
    ['tenancy/scope/get', token],
  ] as const)
    expect((await call(at, bearer)).status).toBeGreaterThanOrEqual(400);
}

describe('what is written to the log', () => {
  test('tells of what failed', () => {
    expect(heard.said().match(/request failed/g)?.length).toBeGreaterThanOrEqual(3);
    expect(heard.said()).toContain('the keys of an issuer cannot be fetched');
  });

  test('holds none of the secrets that went in or came out', () => {
    expect(secrets.size).toBeGreaterThan(14);
    const said = heard.said();
    expect([...secrets].filter(([, text]) => said.includes(text)).map(([what]) => what)).toEqual([]);
  });

  test('holds nothing of their form either', () => {
    expect(heard.said()).not.toMatch(/snt_[0-9a-z]{4}/);
    expect(heard.said()).not.toMatch(/eyJ[A-Za-z0-9_-]{8}/);
    expect(heard.said()).not.toMatch(/postgres:\/\/[^\s:/@]*:[^\s@…]+@/);
  });
});

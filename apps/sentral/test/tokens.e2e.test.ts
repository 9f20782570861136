import { createHmac } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { issuersFile, startIssuer, type Issuer } from './issuer.js';
import { startServer, type Json, type TestServer } from './start-server.js';

let server: TestServer;
let one: Issuer;
let two: Issuer;
let file: ReturnType<typeof issuersFile>;
beforeAll(async () => {
  [one, two] = await Promise.all([startIssuer('one'), startIssuer('two')]);
  file = issuersFile(one, two);
  server = await startServer({ SENTRAL_ISSUERS_FILE: file.name });
});
afterAll(async () => {
  await server?.stop();
  await Promise.all([one.stop(), two.stop()]);
  file.remove();
});

const seconds = () => Math.floor(Date.now() / 1000);
/** What a good token of the first issuer says; a case changes one thing of it. */
const claims = (change: object = {}) => ({
  iss: one.issuer,
  aud: 'sentral',
  sub: 'ada',
  iat: seconds(),
  exp: seconds() + 600,
  ...change,
});
const without = (name: string) => Object.fromEntries(Object.entries(claims()).filter(([key]) => key !== name));
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const head = (change: object = {}) => ({ alg: 'RS256', kid: 'one-1', typ: 'at+jwt', ...change });
/** Signed with the public key as if it were a shared secret, as text of any form that a library may hash. */
const withSecret = (secret: string) => {
  const body = `${part(head({ alg: 'HS256' }))}.${part(claims())}`;
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
};
const tampered = async () => {
  const [first, , last] = (await one.sign({}, claims())).split('.');
  return `${first}.${part(claims({ sub: 'root' }))}.${last}`;
};
/** Somebody else's key, offered in the header beside the token that it signed. */
const withOwnKey = async (offer: (key: JWK) => object) => {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  return new SignJWT(claims()).setProtectedHeader({ ...head(), ...offer(await exportJWK(publicKey)) }).sign(privateKey);
};

const refused: Readonly<Record<string, { token: () => string | Promise<string>; reason?: string }>> = {
  'no token at all': { token: () => '' },
  'three words': { token: () => 'a.b.c' },
  'a signature of another issuer’s key': { token: () => two.sign({ kid: 'one-1' }, claims()) },
  'a token of another issuer that claims to be of this one': { token: () => two.sign({}, claims()) },
  'an issuer that nobody trusts': { token: () => one.sign({}, claims({ iss: 'https://evil.invalid' })) },
  'an issuer that is none': { token: () => one.sign({}, without('iss')) },
  'another audience': { token: () => one.sign({}, claims({ aud: 'shop' })) },
  'no audience': { token: () => one.sign({}, without('aud')) },
  'an end in the past': { token: () => one.sign({}, claims({ exp: seconds() - 120 })), reason: 'expired' },
  'no end': { token: () => one.sign({}, without('exp')) },
  'no subject': { token: () => one.sign({}, without('sub')) },
  'no beginning': { token: () => one.sign({}, without('iat')) },
  'a beginning tomorrow': { token: () => one.sign({}, claims({ nbf: seconds() + 86_400 })) },
  'having been made tomorrow': { token: () => one.sign({}, claims({ iat: seconds() + 600 })) },
  // The library counts an age as an end.
  'an age of more than a day': { token: () => one.sign({}, claims({ iat: seconds() - 90_000 })), reason: 'expired' },
  'being made for another purpose': { token: () => one.sign({ typ: 'JWT' }, claims()) },
  'an extension that must be understood': {
    token: () => `${part(head({ crit: ['x'], x: 1 }))}.${part(claims())}.${part('no signature')}`,
  },
  'no signature, and the algorithm none': { token: () => `${part(head({ alg: 'none' }))}.${part(claims())}.` },
  'the public key as a secret': { token: async () => withSecret(await one.publicKey()) },
  'the empty text as a secret': { token: () => withSecret('') },
  'words that were not signed': { token: tampered },
  'a place for its own keys': { token: () => withOwnKey(() => ({ jku: 'https://evil.invalid/keys' })) },
  'its own key': { token: () => withOwnKey((jwk) => ({ jwk })) },
  'an API token that nobody made': { token: () => `snt_${'0'.repeat(26)}_${'0'.repeat(49)}` },
};

async function ask(at: string, authorization: string | undefined) {
  const answer = await fetch(`${server.url}${at}`, authorization === undefined ? {} : { headers: { authorization } });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Json };
}

test('a token that is right in everything is let in', async () => {
  const { status, body } = await ask('/v1/whoami', `Bearer ${await one.sign({}, claims())}`);
  expect([status, body.principal?.type]).toEqual([200, 'user']);
});

test.each(Object.keys(refused))('a token with %s is refused without a word on why', async (which) => {
  const { token, reason = 'invalid' } = refused[which]!;
  const text = await token();
  const { status, headers, body } = await ask('/v1/nodes', text === '' ? undefined : `Bearer ${text}`);
  const { instance, requestId, ...rest } = body;
  expect([status, rest]).toEqual([
    401,
    {
      type: 'https://sentral.dataverket.example/problems/unauthenticated',
      code: 'unauthenticated',
      title: 'Valid credentials are required',
      status: 401,
      reason: text === '' ? 'missing' : reason,
    },
  ]);
  expect([instance, requestId]).toEqual([headers.get('request-id'), headers.get('request-id')]);
  const error = text === '' ? '' : ', error="invalid_token"';
  expect(headers.get('www-authenticate')).toBe(`Bearer realm="sentral"${error}`);
});

test('a good token is refused where it does not belong: in the address, in a cookie, under another scheme', async () => {
  const good = await one.sign({}, claims());
  const inQuery = await ask(`/v1/whoami?access_token=${good}`, `Bearer ${good}`);
  expect([inQuery.status, inQuery.body.code, inQuery.body.parameter]).toEqual([
    400,
    'invalid-parameter',
    'access_token',
  ]);
  expect(JSON.stringify(inQuery.body)).not.toContain('eyJ');
  const cookie = await fetch(`${server.url}/v1/whoami`, { headers: { cookie: `access_token=${good}` } });
  expect(cookie.status).toBe(401);
  for (const scheme of ['Basic', 'Token', 'DPoP'])
    expect((await ask('/v1/whoami', `${scheme} ${good}`)).body.reason, scheme).toBe('missing');
});

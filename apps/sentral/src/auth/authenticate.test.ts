import { isProblem } from '@sentral/contracts/problem';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createAuthenticate } from './authenticate.js';
import { createDevelopmentIssuer } from './development-issuer.js';

const issuer = await createDevelopmentIssuer('sentral');
const trusted = {
  issuer: issuer.issuer,
  audience: 'sentral',
  algorithms: ['EdDSA'],
  typ: 'at+jwt',
  keys: { set: issuer.keys },
};
const use = { clock: () => new Date(), log: () => undefined };
const authenticate = createAuthenticate([trusted], use);

const reasonOf = async (authorization: string | undefined) => {
  try {
    await authenticate(authorization);
  } catch (error) {
    return isProblem(error, 'unauthenticated') ? error.facts['reason'] : error;
  }
  return 'let in';
};

const other = await generateKeyPair('EdDSA', { extractable: true });
const forge = (claims: { aud?: string; exp?: string | number; typ?: string; kid?: string }) =>
  new SignJWT({})
    .setProtectedHeader({ alg: 'EdDSA', kid: claims.kid ?? 'development', typ: claims.typ ?? 'at+jwt' })
    .setIssuer(issuer.issuer)
    .setAudience(claims.aud ?? 'sentral')
    .setSubject('developer')
    .setIssuedAt()
    .setExpirationTime(claims.exp ?? '1m')
    .sign(other.privateKey);

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const now = Math.floor(Date.now() / 1000);
const claims = { iss: issuer.issuer, aud: 'sentral', sub: 'developer', iat: now, exp: now + 60 };

describe('the door', () => {
  test('a token of the development issuer names its subject', async () => {
    expect(await authenticate(`Bearer ${await issuer.token(60)}`)).toMatchObject({
      credential: { type: 'oidc', issuer: issuer.issuer, subject: 'developer' },
    });
  });
  test('no token, another scheme and noise are refused without a cause', async () => {
    expect(await reasonOf(undefined)).toBe('missing');
    expect(await reasonOf('Basic Zm9vOmJhcg==')).toBe('missing');
    expect(await reasonOf('Bearer x.y.z')).toBe('invalid');
  });
  test('a token that has expired says so', async () => {
    expect(await reasonOf(`Bearer ${await issuer.token(-120)}`)).toBe('expired');
  });
  test('a token whose signature was checked a moment ago is not checked again, but for its end; another one is', async () => {
    let ms = Date.now();
    const timed = createAuthenticate([trusted], { ...use, clock: () => new Date(ms) });
    const token = await issuer.token(60);
    const first = await timed(`Bearer ${token}`);
    expect(await timed(`Bearer ${token}`)).toBe(first);
    await expect(timed(`Bearer ${token.slice(0, -4)}AAAA`)).rejects.toMatchObject({ facts: { reason: 'invalid' } });
    ms += 6_000;
    const again = await timed(`Bearer ${token}`);
    expect([again === first, again]).toEqual([false, first]);
    ms += 120_000;
    await expect(timed(`Bearer ${token}`)).rejects.toMatchObject({ facts: { reason: 'expired' } });
  });
  test('a token signed with another key under a known key id is refused', async () => {
    expect(await reasonOf(`Bearer ${await forge({})}`)).toBe('invalid');
  });
  test('a token without signature is refused', async () => {
    expect(await reasonOf(`Bearer ${part({ alg: 'none', typ: 'at+jwt' })}.${part(claims)}.`)).toBe('invalid');
  });
  test('a token signed with the public key as a shared secret is refused', async () => {
    const body = `${part({ alg: 'HS256', kid: 'development', typ: 'at+jwt' })}.${part(claims)}`;
    const secret = JSON.stringify(issuer.keys.keys[0]);
    expect(await reasonOf(`Bearer ${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`)).toBe(
      'invalid',
    );
  });
  test('a token for another audience, of another type or without expiry is refused', async () => {
    const set = { keys: [{ ...(await exportJWK(other.publicKey)), kid: 'development', alg: 'EdDSA' }] };
    const own = createAuthenticate([{ ...trusted, keys: { set } }], use);
    await expect(own(`Bearer ${await forge({})}`)).resolves.toMatchObject({ credential: { subject: 'developer' } });
    for (const wrong of [{ aud: 'elsewhere' }, { typ: 'JWT' }])
      await expect(own(`Bearer ${await forge(wrong)}`)).rejects.toMatchObject({ code: 'unauthenticated' });
  });
});

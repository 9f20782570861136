import { readApiToken } from '@sentral/contracts/api-token';
import { isProblem, problem } from '@sentral/contracts/problem';
import type { Credential } from '@sentral/contracts/tenancy/access';
import type { Clock } from '@sentral/kernel/id';
import type { Telemetry } from '@sentral/kernel/telemetry';
import { createHash } from 'node:crypto';
import { createLocalJWKSet, decodeJwt, errors, jwtVerify, type JSONWebKeySet } from 'jose';
import { createIssuerKeys } from './issuer-keys.js';

export interface TrustedIssuer {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly string[];
  readonly typ: string | null;
  readonly keys: { readonly url: string } | { readonly set: JSONWebKeySet };
}

/** What a request has shown, checked as far as a signature goes; what is stored of it is tenancy's to check. */
export interface Proof {
  readonly credential: Credential;
  /** When it ends by itself; an API token's end is tenancy's to tell. */
  readonly expiresAt?: Date;
}

export type Authenticate = (authorization: string | undefined) => Promise<Proof>;

/** A token that names more groups than anyone is in is a mistake of its issuer; the first ones count. */
const groupsMax = 256;
const maxAgeSeconds = 86_400;

/**
 * Reads bearer tokens: API tokens by their checksum, all others by the keys of the trusted issuers.
 * @throws Problem unauthenticated with `reason` missing, expired or invalid; the cause is never told
 * @throws Problem dependency-unavailable while no key of its issuer could be had
 */
export function createAuthenticate(
  issuers: readonly TrustedIssuer[],
  use: { readonly clock: Clock; readonly log: Telemetry['log'] },
): Authenticate {
  const verifiers = new Map(
    issuers.map(({ keys, ...config }) => [
      config.issuer,
      {
        config,
        key:
          'set' in keys ? createLocalJWKSet(keys.set) : createIssuerKeys({ issuer: config.issuer, url: keys.url }, use),
      },
    ]),
  );
  const remembered = createRemembered();
  return async (authorization) => {
    const token = /^Bearer ([^\s]+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) throw problem('unauthenticated', { reason: 'missing' });
    if (token.startsWith('snt_')) return { credential: await apiToken(token) };
    const known = remembered.find(token, use.clock().getTime());
    if (known !== undefined) return known;
    const verifier = verifiers.get(issuerOf(token));
    if (verifier === undefined) throw problem('unauthenticated', { reason: 'invalid' });
    const { config } = verifier;
    try {
      const { payload } = await jwtVerify(token, verifier.key, {
        issuer: config.issuer,
        audience: config.audience,
        algorithms: [...config.algorithms],
        ...(config.typ === null ? {} : { typ: config.typ }),
        requiredClaims: ['sub', 'exp', 'iat'],
        clockTolerance: 30,
        maxTokenAge: maxAgeSeconds,
        currentDate: use.clock(),
      });
      const { sub, exp, iat, groups } = payload;
      if (typeof sub !== 'string' || sub.length < 1 || sub.length > 256) throw new TypeError('sub');
      const names = Array.isArray(groups)
        ? groups.filter((name): name is string => typeof name === 'string' && name.length > 0 && name.length <= 256)
        : [];
      const proof: Proof = {
        credential: {
          type: 'oidc',
          issuer: config.issuer,
          subject: sub,
          groups: [...new Set(names)].slice(0, groupsMax),
        },
        expiresAt: new Date(Number(exp) * 1000),
      };
      const ends = Math.min(Number(exp), Number(iat) + maxAgeSeconds) * 1000;
      remembered.keep(token, proof, { checkedAt: use.clock().getTime(), ends });
      return proof;
    } catch (error) {
      if (isProblem(error, 'dependency-unavailable')) throw error;
      throw problem('unauthenticated', { reason: error instanceof errors.JWTExpired ? 'expired' : 'invalid' });
    }
  };
}

/** A signature is checked once in this time, which is how long one by a key that its issuer has taken back may still be taken. */
const rememberedMs = 5_000;
const rememberedMax = 10_000;

/** Tokens whose signature was checked a moment ago, by their digest: checking it is half of what a small read costs. */
function createRemembered() {
  const proofs = new Map<string, { readonly proof: Proof; readonly checkedAt: number; readonly ends: number }>();
  const digest = (token: string) => createHash('sha256').update(token).digest('base64');
  return {
    find(token: string, now: number): Proof | undefined {
      const found = proofs.get(digest(token));
      if (found === undefined) return undefined;
      const { proof, checkedAt, ends } = found;
      return now >= checkedAt && now < Math.min(checkedAt + rememberedMs, ends) ? proof : undefined;
    },
    keep(
      token: string,
      proof: Proof,
      { checkedAt, ends }: { readonly checkedAt: number; readonly ends: number },
    ): void {
      const key = digest(token);
      proofs.delete(key);
      proofs.set(key, { proof, checkedAt, ends });
      if (proofs.size > rememberedMax) proofs.delete(proofs.keys().next().value as string);
    },
  };
}

/** @throws Problem unauthenticated for a token that was mistyped: nobody is asked about it */
async function apiToken(text: string): Promise<Credential> {
  const token = readApiToken(text);
  if (token === undefined) throw problem('unauthenticated', { reason: 'invalid' });
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token.secret));
  return { type: 'token', id: token.id, secretSha256: Buffer.from(hash).toString('hex') };
}

/** Reads the claimed issuer only to choose the keys to check it with. */
function issuerOf(token: string): string {
  try {
    return decodeJwt(token).iss ?? '';
  } catch {
    return '';
  }
}

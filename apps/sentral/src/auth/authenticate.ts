import { readApiToken } from '@sentral/contracts/api-token';
import { isProblem, problem } from '@sentral/contracts/problem';
import type { Credential } from '@sentral/contracts/tenancy/access';
import type { Clock } from '@sentral/kernel/id';
import type { Telemetry } from '@sentral/kernel/telemetry';
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
/** A signature that held a moment ago holds; a key that its issuer takes back is believed for no longer than this. */
const rememberedMs = 5_000;
const rememberedMax = 10_000;

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
  const remembered = new Map<string, { readonly proof: Proof; readonly until: number }>();
  return async (authorization) => {
    const token = /^Bearer ([^\s]+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) throw problem('unauthenticated', { reason: 'missing' });
    if (token.startsWith('snt_')) return { credential: await apiToken(token) };
    const known = remembered.get(token);
    if (known !== undefined && use.clock().getTime() < known.until) return known.proof;
    remembered.delete(token);
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
      if (remembered.size >= rememberedMax) remembered.clear();
      remembered.set(token, { proof, until: Math.min(ends, use.clock().getTime() + rememberedMs) });
      return proof;
    } catch (error) {
      if (isProblem(error, 'dependency-unavailable')) throw error;
      throw problem('unauthenticated', { reason: error instanceof errors.JWTExpired ? 'expired' : 'invalid' });
    }
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

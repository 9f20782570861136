import { problem } from '@sentral/contracts/problem';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeJwt,
  errors,
  jwtVerify,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from 'jose';

/** Who speaks: the token's issuer and subject, never an email. */
export interface Principal {
  readonly issuer: string;
  readonly subject: string;
  readonly groups: readonly string[];
  readonly expiresAt: Date;
}

export interface TrustedIssuer {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly string[];
  readonly typ: string | null;
  readonly keys: { readonly url: string } | { readonly set: JSONWebKeySet };
}

export type Authenticate = (authorization: string | undefined) => Promise<Principal>;

/** For how long keys that were fetched once stay good when the issuer cannot be reached. */
const staleKeysHours = 24;

/**
 * Verifies bearer tokens of the trusted issuers.
 * @throws Problem unauthenticated with `reason` missing, expired or invalid; the cause is never told
 */
export function createAuthenticate(issuers: readonly TrustedIssuer[]): Authenticate {
  const verifiers = new Map(issuers.map((i) => [i.issuer, { config: i, key: keysOf(i) }]));
  return async (authorization) => {
    const token = /^Bearer ([^\s]+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) throw problem('unauthenticated', { reason: 'missing' });
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
        maxTokenAge: '24h',
      });
      const groups = Array.isArray(payload['groups'])
        ? payload['groups'].filter((g): g is string => typeof g === 'string')
        : [];
      return {
        issuer: config.issuer,
        subject: String(payload.sub),
        groups,
        expiresAt: new Date(Number(payload.exp) * 1000),
      };
    } catch (error) {
      throw problem('unauthenticated', { reason: error instanceof errors.JWTExpired ? 'expired' : 'invalid' });
    }
  };
}

/** Reads the claimed issuer only to choose the keys to check it with. */
function issuerOf(token: string): string {
  try {
    return decodeJwt(token).iss ?? '';
  } catch {
    return '';
  }
}

function keysOf(issuer: TrustedIssuer): JWTVerifyGetKey {
  if ('set' in issuer.keys) return createLocalJWKSet(issuer.keys.set);
  const remote = createRemoteJWKSet(new URL(issuer.keys.url), {
    cacheMaxAge: 600_000,
    cooldownDuration: 30_000,
    timeoutDuration: 3_000,
  });
  let fresh = 0;
  return async (header, token) => {
    try {
      const key = await remote(header, token);
      fresh = Date.now();
      return key;
    } catch (error) {
      // An issuer that is down must not lock everyone out: its last keys serve on for a day.
      const unknownKey = error instanceof errors.JWKSNoMatchingKey;
      const last = remote.jwks();
      if (unknownKey || last === undefined || Date.now() - fresh > staleKeysHours * 3_600_000) throw error;
      return createLocalJWKSet(last)(header, token);
    }
  };
}

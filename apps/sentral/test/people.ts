import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import type { TrustedIssuer } from '../src/auth/authenticate.js';

/** An issuer of the tests that vouches for whoever it is told to. */
export interface People {
  readonly issuer: TrustedIssuer & { readonly issuer: string };
  token(subject: string, claims?: { readonly groups?: readonly string[]; readonly seconds?: number }): Promise<string>;
}

export async function createPeople(url = 'https://elsewhere.sentral.invalid'): Promise<People> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'elsewhere', alg: 'EdDSA', use: 'sig' };
  return {
    issuer: { issuer: url, audience: 'sentral', algorithms: ['EdDSA'], typ: 'at+jwt', keys: { set: { keys: [jwk] } } },
    token: (subject, { groups, seconds = 3600 } = {}) =>
      new SignJWT(groups === undefined ? {} : { groups: [...groups] })
        .setProtectedHeader({ alg: 'EdDSA', kid: 'elsewhere', typ: 'at+jwt' })
        .setIssuer(url)
        .setAudience('sentral')
        .setSubject(subject)
        .setIssuedAt()
        .setExpirationTime(`${seconds}s`)
        .sign(privateKey),
  };
}

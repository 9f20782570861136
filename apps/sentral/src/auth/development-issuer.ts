import { SignJWT, exportJWK, generateKeyPair, type JWK } from 'jose';

/** An issuer inside the process, for development on loopback only: its key is made at the start and never leaves memory. */
export interface DevelopmentIssuer {
  readonly issuer: string;
  readonly audience: string;
  readonly keys: { keys: JWK[] };
  readonly subject: string;
  token(lifetimeSeconds: number): Promise<string>;
}

export const developmentIssuerUrl = 'https://development.sentral.invalid';
export const developmentSubject = 'developer';

export async function createDevelopmentIssuer(audience: string): Promise<DevelopmentIssuer> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: false });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'development', alg: 'EdDSA', use: 'sig' };
  return {
    issuer: developmentIssuerUrl,
    audience,
    keys: { keys: [jwk] },
    subject: developmentSubject,
    token: (lifetimeSeconds) =>
      new SignJWT({})
        .setProtectedHeader({ alg: 'EdDSA', kid: 'development', typ: 'at+jwt' })
        .setIssuer(developmentIssuerUrl)
        .setAudience(audience)
        .setSubject(developmentSubject)
        .setIssuedAt()
        .setExpirationTime(`${lifetimeSeconds}s`)
        .sign(privateKey),
  };
}

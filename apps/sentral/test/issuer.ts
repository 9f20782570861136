import { SignJWT, exportJWK, exportSPKI, generateKeyPair, type JWK } from 'jose';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** How the place of the keys answers: with them, by cutting the connection, or never. */
export type Answering = 'up' | 'down' | 'silent';

interface Claims {
  readonly seconds?: number;
  readonly kid?: string;
}

/** An identity provider on loopback, whose keys are fetched as in production, and which counts who fetches them. */
export interface Issuer {
  readonly issuer: string;
  /** As an entry of SENTRAL_ISSUERS_FILE. */
  readonly entry: object;
  answer(how: Answering): void;
  fetches(): number;
  /** A new key signs from now on; the old ones stay published unless they are withdrawn. */
  rotate(withdraw?: 'withdraw'): Promise<void>;
  token(subject: string, claims?: Claims): Promise<string>;
  /** Anything that a key of this issuer would sign, right or wrong. */
  sign(header: object, claims: object): Promise<string>;
  /** The public key as text: what an attacker can have too. */
  publicKey(): Promise<string>;
  stop(): Promise<void>;
}

export async function startIssuer(name: string, now: () => number = Date.now): Promise<Issuer> {
  const issuer = `https://${name}.sentral.invalid`;
  let how: Answering = 'up';
  let fetches = 0;
  let keys: JWK[] = [];
  let made = 0;
  let pair = await generateKeyPair('RS256', { extractable: true });
  const publish = async (withdraw: boolean) => {
    made += 1;
    const jwk = { ...(await exportJWK(pair.publicKey)), kid: `${name}-${made}`, alg: 'RS256', use: 'sig' };
    keys = [...(withdraw ? [] : keys), jwk];
  };
  await publish(true);
  const server = createServer((request, response) => {
    fetches += 1;
    if (how === 'down') request.socket.destroy();
    if (how === 'up') response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const sign = (header: object, claims: object) =>
    new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: `${name}-${made}`, typ: 'at+jwt', ...header })
      .sign(pair.privateKey);
  return {
    issuer,
    entry: { issuer, audience: 'sentral', jwksUrl: `http://127.0.0.1:${port}/keys`, algorithms: ['RS256'] },
    answer: (next) => void (how = next),
    fetches: () => fetches,
    async rotate(withdraw) {
      pair = await generateKeyPair('RS256', { extractable: true });
      await publish(withdraw !== undefined);
    },
    token: (subject, { seconds = 7200, kid } = {}) => {
      const iat = Math.floor(now() / 1000);
      const claims = { iss: issuer, aud: 'sentral', sub: subject, iat, exp: iat + seconds };
      return sign(kid === undefined ? {} : { kid }, claims);
    },
    sign,
    publicKey: () => exportSPKI(pair.publicKey),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The file that names them, as an operator writes it. */
export function issuersFile(...issuers: readonly Issuer[]): { readonly name: string; remove(): void } {
  const folder = mkdtempSync(path.join(tmpdir(), 'sentral-issuers-'));
  const name = path.join(folder, 'issuers.json');
  writeFileSync(name, JSON.stringify(issuers.map(({ entry }) => entry)));
  return { name, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

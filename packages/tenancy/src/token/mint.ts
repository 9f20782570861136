import { createHash, randomBytes } from 'node:crypto';
import { writeApiToken } from '@sentral/contracts/api-token';

/** A fresh secret for a token id: its text, to be shown once, and the digest, which is all that is kept. */
export function mintSecret(tokenUuid: string): { readonly text: string; readonly sha256: Uint8Array } {
  const { text, secret } = writeApiToken(tokenUuid, randomBytes(32));
  return { text, sha256: createHash('sha256').update(secret).digest() };
}

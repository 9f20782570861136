import type { NoteKey } from '@sentral/contracts/audit-note';
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';

/** Signs as one key; the name comes with what is signed. */
export interface Signer {
  readonly publicKey: NoteKey['publicKey'];
  sign(bytes: Uint8Array): Uint8Array;
}

/** PKCS #8 of an Ed25519 key up to its 32 secret bytes (RFC 8410). */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * The signer of a key file: its 32 bytes are the seed of an Ed25519 key.
 * @throws Error when they are not 32
 */
export function createSigner(seed: Uint8Array): Signer {
  if (seed.length !== 32) throw new Error('the key that signs checkpoints has 32 bytes');
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return { publicKey: new Uint8Array(spki.subarray(-32)), sign: (bytes) => sign(null, bytes, key) };
}

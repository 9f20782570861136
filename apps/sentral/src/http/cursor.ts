import { problem } from '@sentral/contracts/problem';
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';

/** Seals and opens the opaque `cursor` of lists, bound to the path, filters and sort that made it (api.md A.10). */
export interface Cursors {
  seal(position: string, boundTo: string): string;
  /** @throws Problem invalid-cursor when it was made elsewhere, for other filters, or by another instance */
  open(cursor: string, boundTo: string): string;
}

const NONCE = 12;
const TAG = 16;

export function createCursors(instanceKey: Uint8Array): Cursors {
  const key = Buffer.from(hkdfSync('sha256', instanceKey, 'sentral', 'cursor', 32));
  // Its first byte names the key, so that a later rotation can keep the old one for reading.
  const keyId = createHash('sha256').update(key).digest().subarray(0, 1);
  return {
    seal(position, boundTo) {
      const nonce = randomBytes(NONCE);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(boundTo));
      const sealed = Buffer.concat([cipher.update(position, 'utf8'), cipher.final()]);
      return Buffer.concat([keyId, nonce, cipher.getAuthTag(), sealed]).toString('base64url');
    },
    open(cursor, boundTo) {
      const bytes = Buffer.from(cursor, 'base64url');
      const bad = () => problem('invalid-cursor', { parameter: 'cursor' }, 'Begin the list again without a cursor.');
      if (bytes.length <= 1 + NONCE + TAG || bytes[0] !== keyId[0]) throw bad();
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1, 1 + NONCE))
          .setAAD(Buffer.from(boundTo))
          .setAuthTag(bytes.subarray(1 + NONCE, 1 + NONCE + TAG));
        return Buffer.concat([decipher.update(bytes.subarray(1 + NONCE + TAG)), decipher.final()]).toString('utf8');
      } catch {
        throw bad();
      }
    },
  };
}

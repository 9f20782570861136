import { problem } from '@sentral/contracts/problem';
import type { Keyring } from '@sentral/audit';

/** Seals and opens the opaque `cursor` of lists, bound to the path, filters and sort that made it (api.md A.10). */
export interface Cursors {
  seal(position: string, boundTo: string): string;
  /** @throws Problem invalid-cursor when it was made elsewhere, for other filters, or by another instance */
  open(cursor: string, boundTo: string): string;
}

/** The first key seals; the others still open what was sealed before they were replaced. */
export function createCursors(keys: Keyring): Cursors {
  return {
    seal: (position, boundTo) => `${keys.id}.${keys.encrypt(Buffer.from(position), boundTo)}`,
    open(cursor, boundTo) {
      const [keyId = '', box = ''] = cursor.split('.', 2);
      try {
        return keys.decrypt(keyId, box, boundTo).toString('utf8');
      } catch {
        throw problem('invalid-cursor', { parameter: 'cursor' }, 'Begin the list again without a cursor.');
      }
    },
  };
}

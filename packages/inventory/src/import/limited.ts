import { problem } from '@sentral/contracts/problem';
import type { Body } from './change-set.js';

/**
 * Passes the body on and stops it at the bound, so that nothing behind it has to count.
 * @throws Problem content-too-large
 */
export async function* limited(body: Body, maxBytes: number): AsyncGenerator<Uint8Array> {
  let seen = 0;
  for await (const chunk of body) {
    seen += chunk.byteLength;
    if (seen > maxBytes) {
      throw problem(
        'content-too-large',
        { maxBytes },
        `The file is larger than ${maxBytes} bytes; nothing of it was taken over.`,
      );
    }
    yield chunk;
  }
}

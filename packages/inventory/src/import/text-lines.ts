import { problem } from '@sentral/contracts/problem';
import type { Body } from './change-set.js';

export interface TextLine {
  readonly text: string;
  /** Counted from 1. */
  readonly number: number;
}

/**
 * Splits text into lines while it arrives: memory is one line.
 * @throws Problem content-too-large for a line over the bound; malformed-request when it is not UTF-8
 */
export async function* textLines(body: Body, maxLineBytes: number): AsyncGenerator<TextLine> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let number = 1;
  let pieces: Uint8Array[] = [];
  let held = 0;

  const take = (last: Uint8Array): TextLine => {
    held += last.byteLength;
    if (held > maxLineBytes) throw tooLong(number, maxLineBytes);
    const bytes = pieces.length === 0 ? last : Buffer.concat([...pieces, last]);
    pieces = [];
    held = 0;
    try {
      const text = decoder.decode(bytes);
      return { text: text.endsWith('\r') ? text.slice(0, -1) : text, number };
    } catch {
      throw problem('malformed-request', { line: number }, `The file is not UTF-8 (line ${number}).`);
    }
  };

  for await (const chunk of body) {
    let from = 0;
    for (;;) {
      const at = chunk.indexOf(0x0a, from);
      if (at < 0) break;
      yield take(chunk.subarray(from, at));
      number += 1;
      from = at + 1;
    }
    const rest = chunk.subarray(from);
    held += rest.byteLength;
    if (held > maxLineBytes) throw tooLong(number, maxLineBytes);
    if (rest.byteLength > 0) pieces.push(Uint8Array.from(rest));
  }
  // `take` adds the last piece to what is held already.
  if (pieces.length > 0) yield take(new Uint8Array());
}

function tooLong(line: number, maxBytes: number): Error {
  return problem('content-too-large', { maxBytes, line }, `Line ${line} is longer than ${maxBytes} bytes.`);
}

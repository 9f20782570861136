import { problem } from '@sentral/contracts/problem';
import type { Body } from './change-set.js';

/** One object of the array, with its place in the file for messages. */
export interface Element {
  readonly value: Record<string, unknown>;
  readonly index: number;
  readonly position: number;
}

const quote = 0x22;
const backslash = 0x5c;
const braceOpen = 0x7b;
const braceClose = 0x7d;
const bracketOpen = 0x5b;
const bracketClose = 0x5d;
const comma = 0x2c;

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

function malformed(detail: string, position: number, row?: number): Error {
  return problem(
    'malformed-request',
    { position, ...(row === undefined ? {} : { row }) },
    `${detail} (byte ${position}${row === undefined ? '' : `, row ${row}`})`,
  );
}

type Expect = 'start' | 'first' | 'element' | 'separator' | 'inside' | 'end';

/**
 * Splits a JSON array of objects while it arrives: memory is one element, whatever the size of the file. It looks at bytes, which is
 * safe because every structural character of JSON is ASCII and never part of a longer UTF-8 sequence.
 * @throws Problem malformed-request with the byte position; content-too-large when one element exceeds the bound
 */
export async function* jsonArrayElements(body: Body, elementBytes: number): AsyncGenerator<Element> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let expect: Expect = 'start';
  let before = 0;
  let index = 0;
  let startsAt = 0;
  let depth = 0;
  let inString = false;
  let escaped = false;
  let pieces: Uint8Array[] = [];
  let held = 0;

  const finish = (last: Uint8Array): Record<string, unknown> => {
    const bytes = pieces.length === 0 ? last : Buffer.concat([...pieces, last]);
    pieces = [];
    held = 0;
    let text: string;
    try {
      text = decoder.decode(bytes);
    } catch {
      throw malformed('The file is not UTF-8', startsAt, index);
    }
    try {
      return JSON.parse(text) as Record<string, unknown>;
    } catch {
      throw malformed('The file is not JSON: this row cannot be read', startsAt, index);
    }
  };

  for await (const chunk of body) {
    let from = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] as number;
      if (expect === 'inside') {
        if (inString) {
          if (escaped) escaped = false;
          else if (byte === backslash) escaped = true;
          else if (byte === quote) inString = false;
        } else if (byte === quote) inString = true;
        else if (byte === braceOpen || byte === bracketOpen) depth += 1;
        else if (byte === braceClose || byte === bracketClose) {
          depth -= 1;
          if (depth === 0) {
            const value = finish(chunk.subarray(from, at + 1));
            yield { value, index, position: startsAt };
            index += 1;
            expect = 'separator';
          }
        }
        continue;
      }
      if (isSpace(byte)) continue;
      const position = before + at;
      if (expect === 'start') {
        // A byte order mark is the only thing that may stand before the array.
        if (position < 3 && (byte === 0xef || byte === 0xbb || byte === 0xbf)) continue;
        if (byte !== bracketOpen) throw malformed('The file is not a JSON array of rows', position);
        expect = 'first';
      } else if (byte === bracketClose && (expect === 'first' || expect === 'separator')) expect = 'end';
      else if (byte === braceOpen && (expect === 'first' || expect === 'element')) {
        expect = 'inside';
        startsAt = position;
        from = at;
        depth = 1;
      } else if (byte === comma && expect === 'separator') expect = 'element';
      else if (expect === 'end') throw malformed('Something follows the end of the array', position);
      else throw malformed('The file is not a JSON array of objects', position, index);
    }
    if (expect === 'inside') {
      const rest = chunk.subarray(from);
      held += rest.byteLength;
      if (held > elementBytes) {
        throw problem(
          'content-too-large',
          { maxBytes: elementBytes, position: startsAt, row: index },
          `Row ${index} is larger than ${elementBytes} bytes.`,
        );
      }
      // The reader may reuse its buffer for the next chunk.
      pieces.push(Uint8Array.from(rest));
    }
    before += chunk.length;
  }
  // The compiler narrows by the loop's last branch only; any of the states may be left here.
  const left = expect as Expect;
  if (left === 'start') throw malformed('The file is empty', before);
  if (left !== 'end') throw malformed('The file is truncated: the array does not end', before, index);
}

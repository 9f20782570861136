import { expect, test } from 'vitest';
import { inPieces } from '../../test/import/collect.js';
import { jsonArrayElements } from './json-array.js';

async function split(text: string | Uint8Array, size = 7): Promise<unknown[]> {
  const out: unknown[] = [];
  for await (const { value } of jsonArrayElements(inPieces(text, size), 10_000)) out.push(value);
  return out;
}

const awkward = [{ a: 'x } ] , { [ " \\ æøå \u{1F6F0}' }, { b: { c: [1, [2, { d: 'e"' }]] } }, {}];

test('rows are found wherever the pieces of the file end', async () => {
  for (const text of [
    JSON.stringify(awkward),
    JSON.stringify(awkward, null, 2),
    `\uFEFF ${JSON.stringify(awkward)}\n`,
  ]) {
    for (const size of [1, 2, 3, 5, 64, 100_000]) expect(await split(text, size)).toEqual(awkward);
  }
  expect(await split(' [ ] ')).toEqual([]);
});

test('a file that is no array of rows is refused with the byte at which it stops being one', async () => {
  const cases: readonly [text: string | Uint8Array, position: number, detail: RegExp][] = [
    ['', 0, /empty/],
    ['{"a":1}', 0, /not a JSON array/],
    ['[{"a":1},', 9, /truncated/],
    ['[{"a":1}', 8, /truncated/],
    ['[{"a":"x', 8, /truncated/],
    ['[{"a":1} {"b":2}]', 9, /array of objects/],
    ['[{"a":1},]', 9, /array of objects/],
    ['[1, 2]', 1, /array of objects/],
    ['[{"a":tru}]', 1, /cannot be read/],
    ['[{"a":1}] x', 10, /follows the end/],
    [Buffer.from([0x5b, 0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d, 0x5d]), 1, /UTF-8/],
  ];
  for (const [text, position, detail] of cases) {
    await expect(split(text), String(text)).rejects.toMatchObject({
      code: 'malformed-request',
      facts: { position },
      detail: expect.stringMatching(detail),
    });
  }
});

test('a single row may not take the memory of the process', async () => {
  await expect(split(`[{"a":"${'x'.repeat(20_000)}"}]`, 1000)).rejects.toMatchObject({
    code: 'content-too-large',
    facts: { row: 0 },
  });
});
